import { argument, floatArgument, shareBegin, shareEnd, sumLanes } from '@tessera-llm/wasm/assembly/lib'

/** Words: x, weight (0 for none), y, rows, width, eps f32, unit offset f32 (0 or 1), residual (0 for none). Rows are shared out among the threads. */
export function rmsNorm(args: usize, thread: u32, threads: u32): void {
  const rows = argument(args, 3)
  const width = argument(args, 4)
  const weight: usize = argument(args, 1)
  const residual: usize = argument(args, 7)
  const end = shareEnd(rows, thread, threads)
  for (let row = shareBegin(rows, thread, threads); row < end; row++) {
    const offset: usize = (<usize>row * width) << 2
    normaliseRow(argument(args, 0) + offset, weight, argument(args, 2) + offset, width, floatArgument(args, 5), floatArgument(args, 6), residual == 0 ? 0 : residual + offset)
  }
}

/** h = x + residual, y = rms-norm of h. Words: x, residual, weight (0 for none), h, y, rows, width, eps f32, unit offset f32. */
export function addRmsNorm(args: usize, thread: u32, threads: u32): void {
  const width = argument(args, 6)
  const end = shareEnd(argument(args, 5), thread, threads)
  for (let row = shareBegin(argument(args, 5), thread, threads); row < end; row++) {
    const offset: usize = (<usize>row * width) << 2
    const x = argument(args, 0) + offset, residual = argument(args, 1) + offset, h = argument(args, 3) + offset
    let i: usize = 0
    for (; i + 16 <= <usize>width << 2; i += 16) v128.store(h + i, f32x4.add(v128.load(x + i), v128.load(residual + i)))
    for (; i < <usize>width << 2; i += 4) store<f32>(h + i, load<f32>(x + i) + load<f32>(residual + i))
    normaliseRow(h, argument(args, 2), argument(args, 4) + offset, width, floatArgument(args, 7), floatArgument(args, 8), 0)
  }
}

/** One row: y = x / √(mean(x²) + eps) · (weight + unit) + residual. The sum runs in four times four lanes. */
function normaliseRow(x: usize, weight: usize, y: usize, width: u32, eps: f32, unit: f32, residual: usize): void {
  const vectors = width & ~15
  let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0
  let i: u32 = 0
  for (; i < vectors; i += 16) {
    const at = x + (<usize>i << 2)
    const v0 = v128.load(at), v1 = v128.load(at, 16), v2 = v128.load(at, 32), v3 = v128.load(at, 48)
    s0 = f32x4.add(s0, f32x4.mul(v0, v0))
    s1 = f32x4.add(s1, f32x4.mul(v1, v1))
    s2 = f32x4.add(s2, f32x4.mul(v2, v2))
    s3 = f32x4.add(s3, f32x4.mul(v3, v3))
  }
  let sum = sumLanes(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)))
  for (; i < width; i++) {
    const v = load<f32>(x + (<usize>i << 2))
    sum += v * v
  }
  const scale: f32 = 1 / sqrt(sum / <f32>width + eps)
  const scales = f32x4.splat(scale), units = f32x4.splat(unit)
  i = 0
  for (; i + 4 <= width; i += 4) {
    const at: usize = <usize>i << 2
    let factor = scales
    if (weight != 0) factor = f32x4.mul(scales, f32x4.add(v128.load(weight + at), units))
    let value = f32x4.mul(v128.load(x + at), factor)
    if (residual != 0) value = f32x4.add(value, v128.load(residual + at))
    v128.store(y + at, value)
  }
  for (; i < width; i++) {
    const at: usize = <usize>i << 2
    let factor = scale
    if (weight != 0) factor *= load<f32>(weight + at) + unit
    let value = load<f32>(x + at) * factor
    if (residual != 0) value += load<f32>(residual + at)
    store<f32>(y + at, value)
  }
}
