import { argument, floatArgument, normaliseRow, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'

/**
 * Words: x, weight (0 for none), y, rows, width, eps f32, unit offset f32 (0 or 1), residual (0 for none). Threads
 * share rows.
 */
export function rmsNorm(args: usize, thread: u32, threads: u32): void {
  const rows = argument(args, 3)
  const width = argument(args, 4)
  const weight: usize = argument(args, 1)
  const residual: usize = argument(args, 7)
  const end = shareEnd(rows, thread, threads)
  for (let row = shareBegin(rows, thread, threads); row < end; row++) {
    const offset: usize = (<usize>row * width) << 2
    normaliseRow(
      argument(args, 0) + offset,
      weight,
      argument(args, 2) + offset,
      width,
      floatArgument(args, 5),
      floatArgument(args, 6),
      residual == 0 ? 0 : residual + offset,
    )
  }
}

/**
 * h = x + residual, y = RMSNorm of h. Words: x, residual, weight (0 for none), h, y, rows, width, eps f32, unit offset
 * f32.
 */
export function addRmsNorm(args: usize, thread: u32, threads: u32): void {
  const width = argument(args, 6)
  const end = shareEnd(argument(args, 5), thread, threads)
  for (let row = shareBegin(argument(args, 5), thread, threads); row < end; row++) {
    const offset: usize = (<usize>row * width) << 2
    const x = argument(args, 0) + offset
    const residual = argument(args, 1) + offset
    const h = argument(args, 3) + offset
    let i: usize = 0
    for (; i + 16 <= (<usize>width) << 2; i += 16)
      v128.store(h + i, f32x4.add(v128.load(x + i), v128.load(residual + i)))
    for (; i < (<usize>width) << 2; i += 4) store<f32>(h + i, load<f32>(x + i) + load<f32>(residual + i))
    normaliseRow(
      h,
      argument(args, 2),
      argument(args, 4) + offset,
      width,
      floatArgument(args, 7),
      floatArgument(args, 8),
      0,
    )
  }
}
