import { argument } from '@tessera-llm/wasm/assembly/lib'
import { endVisible, firstKept, firstVisible, keyCount, ROWS, VALUE_DIM } from '../call'

// Splits: the keys of a KV head, cut into stretches of fixed length. They count from the first that any row sees, so
// keys before a window cost nothing.

/** Keys per split: at 64 channels, they fill half of a first-level cache. */
export const SPLIT: i32 = 128

/**
 * Keys of a split that are multiplied with all lines before the next are read, the fewest where the number varies: 4 kB
 * for 16 keys of 64 channels in f32. Pages hold multiples of 16, so these lie in one.
 */
export const KEYS_AT_ONCE: i32 = 16

/** Splits `first` … `end` − 1 that hold a key visible to any row: `first` in the low word, `end` in the high word. */
export function activeSplits(args: usize, batch: u32): u64 {
  const rows: i32 = argument(args, ROWS)
  const keys = keyCount(args, batch)
  const first = firstVisible(args, keys - rows, firstKept(args, keys))
  const end = endVisible(args, keys - 1, keys)
  if (end <= first) return 0
  return <u64>(first / SPLIT) | ((<u64>((end + SPLIT - 1) / SPLIT)) << 32)
}

/** Bytes of one partial result: sum of values, maximum, sum of weights. */
@inline
export function partialBytes(args: usize): usize {
  return (<usize>argument(args, VALUE_DIM) + 4) << 2
}
