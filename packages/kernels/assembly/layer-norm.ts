import { argument, floatArgument, shareBegin, shareEnd, sumLanes } from '@tessera-llm/wasm/assembly/lib'

/**
 * Words: x, weight (0 for none), bias (0 for none), y, rows, width, eps f32. Threads share rows. A second pass computes
 * the variance from the deviations.
 */
export function layerNorm(args: usize, thread: u32, threads: u32): void {
  const width = argument(args, 5)
  const end = shareEnd(argument(args, 4), thread, threads)
  for (let row = shareBegin(argument(args, 4), thread, threads); row < end; row++) {
    const offset: usize = (<usize>row * width) << 2
    const x = argument(args, 0) + offset
    const mean = sumRow(x, width, 0, false) / <f32>width
    const scale: f32 = 1 / sqrt(sumRow(x, width, mean, true) / <f32>width + floatArgument(args, 6))
    writeRow(x, argument(args, 3) + offset, width, mean, scale, argument(args, 1), argument(args, 2))
  }
}

/** Returns Σ (x − mean), or Σ (x − mean)² if `squares` is set. */
function sumRow(x: usize, width: u32, mean: f32, squares: bool): f32 {
  const means = f32x4.splat(mean)
  let a = f32x4.splat(0)
  let b = a
  let i: u32 = 0
  for (; i + 8 <= width; i += 8) {
    const at = x + ((<usize>i) << 2)
    const u = f32x4.sub(v128.load(at), means)
    const v = f32x4.sub(v128.load(at, 16), means)
    a = f32x4.add(a, squares ? f32x4.mul(u, u) : u)
    b = f32x4.add(b, squares ? f32x4.mul(v, v) : v)
  }
  let sum = sumLanes(f32x4.add(a, b))
  for (; i < width; i++) {
    const v = load<f32>(x + ((<usize>i) << 2)) - mean
    sum += squares ? v * v : v
  }
  return sum
}

function writeRow(x: usize, y: usize, width: u32, mean: f32, scale: f32, weight: usize, bias: usize): void {
  const means = f32x4.splat(mean)
  const scales = f32x4.splat(scale)
  let i: usize = 0
  const bytes: usize = (<usize>width) << 2
  for (; i + 16 <= bytes; i += 16) {
    let v = f32x4.mul(f32x4.sub(v128.load(x + i), means), scales)
    if (weight != 0) v = f32x4.mul(v, v128.load(weight + i))
    if (bias != 0) v = f32x4.add(v, v128.load(bias + i))
    v128.store(y + i, v)
  }
  for (; i < bytes; i += 4) {
    let v = (load<f32>(x + i) - mean) * scale
    if (weight != 0) v *= load<f32>(weight + i)
    if (bias != 0) v += load<f32>(bias + i)
    store<f32>(y + i, v)
  }
}
