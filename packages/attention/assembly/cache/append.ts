import { argument, floatsToHalves, floatToHalf, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { pageOf } from './pages'

/**
 * Words: cache, x, positions, batch, rows of x, heads, capacity, width, 1 for an f16 cache, block table or 0, pages.
 * Threads share (b, i, h).
 */
export function kvAppend(args: usize, thread: u32, threads: u32): void {
  const length = argument(args, 4)
  const heads = argument(args, 5)
  const capacity: i32 = argument(args, 6)
  const width = argument(args, 7)
  const units = argument(args, 3) * length * heads
  const end = shareEnd(units, thread, threads)
  for (let unit = shareBegin(units, thread, threads); unit < end; unit++) {
    const head = unit % heads
    const i = (unit / heads) % length
    const batch = unit / (heads * length)
    const row = load<i32>(argument(args, 2) + (batch << 2)) + <i32>i
    const place = placeOf(row, batch, head, heads, capacity, argument(args, 9), argument(args, 10))
    if (place >= 0)
      storeRow(
        argument(args, 0),
        place,
        argument(args, 1) + ((<usize>unit * width) << 2),
        width,
        argument(args, 8) != 0,
      )
  }
}

/** Index in the whole cache of row `row` of a head and sequence; −1 if the row is dropped. */
export function placeOf(row: i32, batch: u32, head: u32, heads: u32, capacity: i32, table: usize, pages: u32): i32 {
  if (row < 0 || (table == 0 && row >= capacity)) return -1
  const page = table == 0 ? batch : pageOf(table, pages, batch, row / capacity)
  return (page * heads + head) * capacity + (row % capacity)
}

/** Stores `width` f32 as row `place` of the cache, rounded to f16 if `isHalf`. */
export function storeRow(cache: usize, place: i32, from: usize, width: u32, isHalf: bool): void {
  if (isHalf) storeHalves(cache + ((<usize>place * width) << 1), from, width)
  else memory.copy(cache + ((<usize>place * width) << 2), from, (<usize>width) << 2)
}

/** Rounds `width` f32 to f16. */
export function storeHalves(to: usize, from: usize, width: u32): void {
  let d: u32 = 0
  for (; d + 8 <= width; d += 8, to += 16, from += 32)
    v128.store(to, floatsToHalves(v128.load(from), v128.load(from, 16)))
  for (; d < width; d++, to += 2, from += 4) store<u16>(to, floatToHalf(load<f32>(from)))
}
