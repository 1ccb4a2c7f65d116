import { argument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'

/** Words: x, cos, sin, positions, y, tokens (B·T), heads, head size, half the rotary size, 1 for neox or 0 for gptj. Tokens·heads are shared out. */
export function rope(args: usize, thread: u32, threads: u32): void {
  const heads = argument(args, 6)
  const width = argument(args, 7)
  const half = argument(args, 8)
  const units = argument(args, 5) * heads
  const end = shareEnd(units, thread, threads)
  for (let unit = shareBegin(units, thread, threads); unit < end; unit++) {
    const position = load<u32>(argument(args, 3) + ((unit / heads) << 2))
    const row: usize = (<usize>position * half) << 2
    const offset: usize = (<usize>unit * width) << 2
    const x = argument(args, 0) + offset, y = argument(args, 4) + offset
    if (argument(args, 9) != 0) rotateHalves(x, y, argument(args, 1) + row, argument(args, 2) + row, half)
    else rotatePairs(x, y, argument(args, 1) + row, argument(args, 2) + row, half)
    for (let i: usize = half << 3; i < <usize>width << 2; i += 4) store<f32>(y + i, load<f32>(x + i))
  }
}

function rotateHalves(x: usize, y: usize, cos: usize, sin: usize, half: u32): void {
  const second: usize = half << 2
  let i: usize = 0
  for (; i + 16 <= second; i += 16) {
    const a = v128.load(x + i), b = v128.load(x + second + i), c = v128.load(cos + i), s = v128.load(sin + i)
    v128.store(y + i, f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, s)))
    v128.store(y + second + i, f32x4.add(f32x4.mul(b, c), f32x4.mul(a, s)))
  }
  for (; i < second; i += 4) {
    const a = load<f32>(x + i), b = load<f32>(x + second + i), c = load<f32>(cos + i), s = load<f32>(sin + i)
    store<f32>(y + i, a * c - b * s)
    store<f32>(y + second + i, b * c + a * s)
  }
}

function rotatePairs(x: usize, y: usize, cos: usize, sin: usize, half: u32): void {
  for (let i: usize = 0; i < half << 2; i += 4) {
    const a = load<f32>(x + 2 * i), b = load<f32>(x + 2 * i, 4), c = load<f32>(cos + i), s = load<f32>(sin + i)
    store<f32>(y + 2 * i, a * c - b * s)
    store<f32>(y + 2 * i, b * c + a * s, 4)
  }
}
