import { argument, floatArgument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'

const ADD: i32 = 0
const MULTIPLY: i32 = 1

/**
 * y = a + b. Words: a, b, y, elements of a, elements of b (divides those of a: b repeats). Threads share blocks of 16
 * elements.
 */
export function add(args: usize, thread: u32, threads: u32): void {
  binary(ADD, args, thread, threads)
}

/** y = a · b. Words as for `add`. */
export function multiply(args: usize, thread: u32, threads: u32): void {
  binary(MULTIPLY, args, thread, threads)
}

@inline
function binary(kind: i32, args: usize, thread: u32, threads: u32): void {
  const a: usize = argument(args, 0)
  const b: usize = argument(args, 1)
  const y: usize = argument(args, 2)
  const size = argument(args, 3)
  const sizeB = argument(args, 4)
  const blocks = (size + 15) >> 4
  const end = min(shareEnd(blocks, thread, threads) << 4, size)
  let i = shareBegin(blocks, thread, threads) << 4
  let j = i % max<u32>(sizeB, 1)
  while (i < end) {
    // The inner loop ends where b repeats or the share ends.
    const stop = min(end, i + (sizeB - j))
    for (; i + 4 <= stop; i += 4, j += 4) {
      const left = v128.load(a + ((<usize>i) << 2))
      const right = v128.load(b + ((<usize>j) << 2))
      v128.store(y + ((<usize>i) << 2), kind == ADD ? f32x4.add(left, right) : f32x4.mul(left, right))
    }
    for (; i < stop; i++, j++) {
      const left = load<f32>(a + ((<usize>i) << 2))
      const right = load<f32>(b + ((<usize>j) << 2))
      store<f32>(y + ((<usize>i) << 2), kind == ADD ? left + right : left * right)
    }
    if (j == sizeB) j = 0
  }
}

/** y = factor · x. Words: x, y, elements, factor f32. */
export function scale(args: usize, thread: u32, threads: u32): void {
  const x: usize = argument(args, 0)
  const y: usize = argument(args, 1)
  const size = argument(args, 2)
  const blocks = (size + 15) >> 4
  const factor = floatArgument(args, 3)
  const factors = f32x4.splat(factor)
  const end: usize = (<usize>min(shareEnd(blocks, thread, threads) << 4, size)) << 2
  let at: usize = (<usize>(shareBegin(blocks, thread, threads) << 4)) << 2
  for (; at + 16 <= end; at += 16) v128.store(y + at, f32x4.mul(factors, v128.load(x + at)))
  for (; at < end; at += 4) store<f32>(y + at, factor * load<f32>(x + at))
}
