import { argument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'

// Sums over the rows of x, each column's in the order of the rows and in f64. Words: x f32 [T, K], sums f64 [3][K] of
// values, squares and magnitudes, the largest magnitudes f32 [K], T, K.

/** Threads share quads of columns. */
export function addColumnSums(args: usize, thread: u32, threads: u32): void {
  const rows = argument(args, 3)
  const columns = argument(args, 4)
  const quads = (columns + 3) >> 2
  const begin = shareBegin(quads, thread, threads) << 2
  const end = min(shareEnd(quads, thread, threads) << 2, columns)
  const sums: usize = argument(args, 1)
  const largest: usize = argument(args, 2)
  const line: usize = (<usize>columns) << 2
  const third: usize = (<usize>columns) << 3
  let x: usize = argument(args, 0)
  let row: u32 = 0
  for (; row + 4 <= rows; row += 4, x += 4 * line) {
    let column = begin
    for (; column + 4 <= end; column += 4) {
      const at = x + ((<usize>column) << 2)
      const most = largest + ((<usize>column) << 2)
      const sum = sums + ((<usize>column) << 3)
      const a = v128.load(at)
      const b = v128.load(at + line)
      const c = v128.load(at + 2 * line)
      const d = v128.load(at + 3 * line)
      v128.store(
        most,
        f32x4.max(
          f32x4.max(f32x4.max(v128.load(most), f32x4.abs(a)), f32x4.max(f32x4.abs(b), f32x4.abs(c))),
          f32x4.abs(d),
        ),
      )
      addFour(
        sum,
        third,
        f64x2.promote_low_f32x4(a),
        f64x2.promote_low_f32x4(b),
        f64x2.promote_low_f32x4(c),
        f64x2.promote_low_f32x4(d),
      )
      addFour(sum + 16, third, high(a), high(b), high(c), high(d))
    }
    for (; column < end; column++) for (let i: usize = 0; i < 4; i++) addOne(x + i * line, sums, third, largest, column)
  }
  for (; row < rows; row++, x += line)
    for (let column = begin; column < end; column++) addOne(x, sums, third, largest, column)
}

@inline
function high(v: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i64>(v, v, 1, 1))
}

/** Adds four rows of two columns, one after the other. */
@inline
function addFour(sum: usize, third: usize, a: v128, b: v128, c: v128, d: v128): void {
  v128.store(sum, f64x2.add(f64x2.add(f64x2.add(f64x2.add(v128.load(sum), a), b), c), d))
  const squares = sum + third
  const magnitudes = squares + third
  v128.store(
    squares,
    f64x2.add(
      f64x2.add(f64x2.add(f64x2.add(v128.load(squares), f64x2.mul(a, a)), f64x2.mul(b, b)), f64x2.mul(c, c)),
      f64x2.mul(d, d),
    ),
  )
  v128.store(
    magnitudes,
    f64x2.add(
      f64x2.add(f64x2.add(f64x2.add(v128.load(magnitudes), f64x2.abs(a)), f64x2.abs(b)), f64x2.abs(c)),
      f64x2.abs(d),
    ),
  )
}

function addOne(x: usize, sums: usize, third: usize, largest: usize, column: u32): void {
  const single = load<f32>(x + ((<usize>column) << 2))
  const value = <f64>single
  const at = sums + ((<usize>column) << 3)
  const most = largest + ((<usize>column) << 2)
  store<f64>(at, load<f64>(at) + value)
  store<f64>(at + third, load<f64>(at + third) + value * value)
  store<f64>(at + 2 * third, load<f64>(at + 2 * third) + abs(value))
  store<f32>(most, max(load<f32>(most), abs(single)))
}
