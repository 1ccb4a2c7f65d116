import {
  argument,
  exp4,
  exponential,
  logarithm,
  maxLanes,
  shareBegin,
  shareEnd,
  sumLanes,
} from '@tessera-llm/wasm/assembly/lib'

/** Lowest finite f32. −∞ is treated as this value. */
const LOWEST: f32 = -3.4028234663852886e38

/** y = e^x / Σ e^x. Words: x, y, rows, width. Threads share rows. */
export function softmax(args: usize, thread: u32, threads: u32): void {
  const width = argument(args, 3)
  const end = shareEnd(argument(args, 2), thread, threads)
  for (let row = shareBegin(argument(args, 2), thread, threads); row < end; row++) {
    const offset: usize = (<usize>row * width) << 2
    const x = argument(args, 0) + offset
    const y = argument(args, 1) + offset
    const largest = largestOf(x, width)
    const scale: f32 = 1 / sumExponentials(x, width, largest, y)
    const scales = f32x4.splat(scale)
    let i: usize = 0
    for (; i + 16 <= (<usize>width) << 2; i += 16) v128.store(y + i, f32x4.mul(scales, v128.load(y + i)))
    for (; i < (<usize>width) << 2; i += 4) store<f32>(y + i, scale * load<f32>(y + i))
  }
}

/** y = x − log Σ e^x. Words as for `softmax`. */
export function logSoftmax(args: usize, thread: u32, threads: u32): void {
  const width = argument(args, 3)
  const end = shareEnd(argument(args, 2), thread, threads)
  for (let row = shareBegin(argument(args, 2), thread, threads); row < end; row++) {
    const offset: usize = (<usize>row * width) << 2
    const x = argument(args, 0) + offset
    const y = argument(args, 1) + offset
    const largest = largestOf(x, width)
    const logSum = logarithm(sumExponentials(x, width, largest, 0))
    const lowest = f32x4.splat(LOWEST)
    const m = f32x4.splat(largest)
    const logSums = f32x4.splat(logSum)
    let i: usize = 0
    for (; i + 16 <= (<usize>width) << 2; i += 16)
      v128.store(y + i, f32x4.sub(f32x4.sub(f32x4.max(v128.load(x + i), lowest), m), logSums))
    for (; i < (<usize>width) << 2; i += 4) store<f32>(y + i, max(load<f32>(x + i), LOWEST) - largest - logSum)
  }
}

/**
 * lse = log Σ e^x, nll = lse − x[label], or 0 for a label outside the vocabulary. Words: logits, labels, nll, lse,
 * rows, width.
 */
export function crossEntropy(args: usize, thread: u32, threads: u32): void {
  const width = argument(args, 5)
  const end = shareEnd(argument(args, 4), thread, threads)
  for (let row = shareBegin(argument(args, 4), thread, threads); row < end; row++) {
    const x: usize = argument(args, 0) + ((<usize>row * width) << 2)
    const label = load<u32>(argument(args, 1) + (row << 2))
    const largest = largestOf(x, width)
    const logSum = logarithm(sumExponentials(x, width, largest, 0))
    store<f32>(argument(args, 3) + (row << 2), largest + logSum)
    // Subtract first: the label's logit is close to the largest, so the difference is exact or nearly so.
    store<f32>(
      argument(args, 2) + (row << 2),
      label < width ? largest - max(load<f32>(x + ((<usize>label) << 2)), LOWEST) + logSum : 0,
    )
  }
}

function largestOf(x: usize, width: u32): f32 {
  let best = f32x4.splat(LOWEST)
  let i: u32 = 0
  for (; i + 4 <= width; i += 4) best = f32x4.pmax(best, v128.load(x + ((<usize>i) << 2)))
  let largest = maxLanes(best)
  for (; i < width; i++) largest = max(largest, load<f32>(x + ((<usize>i) << 2)))
  return largest
}

/** Returns Σ e^(x − largest); stores the terms at `y` unless it is 0. */
function sumExponentials(x: usize, width: u32, largest: f32, y: usize): f32 {
  const m = f32x4.splat(largest)
  const lowest = f32x4.splat(LOWEST)
  let a = f32x4.splat(0)
  let b = a
  let i: usize = 0
  const bytes: usize = (<usize>width) << 2
  for (; i + 32 <= bytes; i += 32) {
    const u = exp4(f32x4.sub(f32x4.pmax(lowest, v128.load(x + i)), m))
    const v = exp4(f32x4.sub(f32x4.pmax(lowest, v128.load(x + i, 16)), m))
    a = f32x4.add(a, u)
    b = f32x4.add(b, v)
    if (y != 0) {
      v128.store(y + i, u)
      v128.store(y + i, v, 16)
    }
  }
  let sum = sumLanes(f32x4.add(a, b))
  for (; i < bytes; i += 4) {
    const v = exponential(max(load<f32>(x + i), LOWEST) - largest)
    sum += v
    if (y != 0) store<f32>(y + i, v)
  }
  return sum
}
