import { argument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'

/**
 * The k largest values of each row in descending order; ties go to the lower index. Words: x, values, indices, rows,
 * width, k. The outputs hold a heap whose root is the worst of the best so far; sorting the heap leaves them in order.
 */
export function topK(args: usize, thread: u32, threads: u32): void {
  const width = argument(args, 4)
  const k = argument(args, 5)
  const end = shareEnd(argument(args, 3), thread, threads)
  for (let row = shareBegin(argument(args, 3), thread, threads); row < end; row++) {
    const x: usize = argument(args, 0) + ((<usize>row * width) << 2)
    const offset: usize = (<usize>row * k) << 2
    const values = argument(args, 1) + offset
    const indices = argument(args, 2) + offset
    for (let i: u32 = 0; i < k; i++) put(values, indices, i, load<f32>(x + ((<usize>i) << 2)), i)
    for (let i = k >> 1; i > 0; i--) sift(values, indices, i - 1, k)
    for (let i = k; i < width; i++) {
      // Few values beat the root, so skip sixteen at a time.
      for (const worst = f32x4.splat(load<f32>(values)); i + 16 <= width && !hasLarger(x + ((<usize>i) << 2), worst); )
        i += 16
      if (i == width) break
      const value = load<f32>(x + ((<usize>i) << 2))
      // A later equal value ranks lower.
      if (!(value > load<f32>(values))) continue
      put(values, indices, 0, value, i)
      sift(values, indices, 0, k)
    }
    for (let size = k; size > 1; size--) {
      swap(values, indices, 0, size - 1)
      sift(values, indices, 0, size - 1)
    }
  }
}

/** Whether one of the 16 values at `x` is larger than `worst`. */
@inline
function hasLarger(x: usize, worst: v128): bool {
  const low = v128.or(f32x4.gt(v128.load(x), worst), f32x4.gt(v128.load(x, 16), worst))
  return v128.any_true(v128.or(low, v128.or(f32x4.gt(v128.load(x, 32), worst), f32x4.gt(v128.load(x, 48), worst))))
}

@inline
function put(values: usize, indices: usize, at: u32, value: f32, index: u32): void {
  store<f32>(values + ((<usize>at) << 2), value)
  store<u32>(indices + ((<usize>at) << 2), index)
}

function swap(values: usize, indices: usize, a: u32, b: u32): void {
  const value = load<f32>(values + ((<usize>a) << 2))
  const index = load<u32>(indices + ((<usize>a) << 2))
  put(values, indices, a, load<f32>(values + ((<usize>b) << 2)), load<u32>(indices + ((<usize>b) << 2)))
  put(values, indices, b, value, index)
}

/** Whether entry `a` ranks below entry `b`. */
function isWorse(values: usize, indices: usize, a: u32, b: u32): bool {
  const left = load<f32>(values + ((<usize>a) << 2))
  const right = load<f32>(values + ((<usize>b) << 2))
  return (
    left < right || (left == right && load<u32>(indices + ((<usize>a) << 2)) > load<u32>(indices + ((<usize>b) << 2)))
  )
}

/** Sifts the entry at `at` down; the root is then the worst of the first `size` entries. */
function sift(values: usize, indices: usize, at: u32, size: u32): void {
  for (;;) {
    let worst: u32 = at
    const left: u32 = 2 * at + 1
    const right: u32 = left + 1
    if (left < size && isWorse(values, indices, left, worst)) worst = left
    if (right < size && isWorse(values, indices, right, worst)) worst = right
    if (worst == at) return
    swap(values, indices, at, worst)
    at = worst
  }
}
