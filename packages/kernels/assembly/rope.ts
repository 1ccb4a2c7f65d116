import { argument, rotateRow, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'

/**
 * Words: x, cos, sin, positions, y, tokens (B·T), heads, head size, half the rotary size, 1 for neox or 0 for gptj.
 * Threads share tokens · heads.
 */
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
    const x = argument(args, 0) + offset
    const y = argument(args, 4) + offset
    rotateRow(x, y, argument(args, 1) + row, argument(args, 2) + row, half, width, argument(args, 9) != 0)
  }
}
