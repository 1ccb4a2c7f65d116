import { argument } from '@tessera-llm/wasm/assembly/lib'
import { Q, rowAddress, ROWS, STRIDE_Q } from '../call'

// Lines of a split: the query rows of all heads that share a KV head, ordered by head of the group, then row.

/**
 * Number of lines processed in threes, so that each key and value is loaded once for three; four lines are two pairs.
 */
export function linesByThrees(lines: u32, width: u32): u32 {
  if ((width & 7) != 0 || lines < 3) return 0
  const rest = lines % 3
  return rest == 1 ? lines - 4 : lines - rest
}

/** Number of lines processed in fours and threes, fours first; the rest of five is a pair. */
export function linesTogether(lines: u32, width: u32): u32 {
  return (width & 7) != 0 || lines < 3 ? 0 : lines == 5 ? 3 : lines
}

/** Number of lines, of `left`, that are processed together next. */
@inline
export function together(left: u32): u32 {
  return left == 3 || left == 6 || left == 9 ? 3 : 4
}

/** Writes zeros inline: for few bytes, `memory.fill` costs a call out of WebAssembly. */
export function clear(to: usize, bytes: usize): void {
  for (const end = to + bytes; to + 16 <= end; to += 16) v128.store(to, i32x4.splat(0))
  for (let rest = (bytes & 15) >> 2; rest > 0; rest--, to += 4) store<f32>(to, 0)
}

/** Address of the query row of a line; lines order by head of the group, then row. */
export function queryOf(args: usize, batch: u32, kvHead: u32, group: u32, line: u32): usize {
  const rows = argument(args, ROWS)
  return rowAddress(args, Q, STRIDE_Q, batch, kvHead * group + line / rows, line % rows, 2)
}
