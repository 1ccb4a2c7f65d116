import { argument } from '@tessera-llm/wasm/assembly/lib'
import { BLOCK_TABLE, INT4, INT8, K, keyAddress, STRIDE_K, STRIDE_V } from '../call'
import { SPLIT } from '../decode/splits'
import { touch } from '../decode/touch'
import { GROUP, groupAddress, groupBytes, groupedEnd, storageOf } from './storage'

// Reading ahead in small parts between products: a load that waits for memory holds up what follows, but the processor
// works on some hundred instructions behind it meanwhile, and has room for a dozen lines under way.

/** Words of what is left to touch: the next address, the end, bytes at a time, and what was read. */
export const AHEAD_BYTES: usize = 16

/** Begins with the keys or values `start` … of a split, as far as they lie together; `parts` are how often `touchSome` will be called. */
export function beginAhead(
  args: usize,
  which: u32,
  batch: u32,
  head: u32,
  start: i32,
  keys: i32,
  parts: u32,
  ahead: usize,
): void {
  const storage = storageOf(args, which)
  let from: usize = 0
  let bytes: usize = 0
  const count = min(SPLIT, keys - start)
  if (count > 0 && argument(args, BLOCK_TABLE) == 0) {
    if (storage == INT8) {
      from = keyAddress(args, which, which == K ? STRIDE_K : STRIDE_V, batch, head, start, 0)
      bytes = <usize>count * argument(args, which == K ? STRIDE_K + 2 : STRIDE_V + 2)
    } else if (storage >= INT4) {
      const groups = min(count, groupedEnd(args, which, batch) - start) / GROUP
      if (groups > 0) {
        from = groupAddress(args, which, batch, head, start)
        bytes = <usize>groups * groupBytes(args, which)
      }
    }
  }
  store<usize>(ahead, from)
  store<usize>(ahead, from + bytes, 4)
  store<usize>(ahead, (bytes / parts + 64) & ~63, 8)
}

/** Reads one word of each line of the next part. */
@inline
export function touchSome(ahead: usize): void {
  const from = load<usize>(ahead)
  const last = min(from + load<usize>(ahead, 8), load<usize>(ahead, 4))
  if (from >= last) return
  touch(from, last - from, ahead + 12)
  store<usize>(ahead, last)
}
