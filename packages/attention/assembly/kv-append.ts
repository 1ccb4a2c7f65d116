import { argument, floatsToHalves, floatToHalf, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { pageOf } from './pages'

/** Words: cache, x, positions, batch, rows of x, heads, capacity, width, 1 for an f16 cache, block table or 0, pages. (b, i, h) are shared out. */
export function kvAppend(args: usize, thread: u32, threads: u32): void {
  const length = argument(args, 4), heads = argument(args, 5), capacity: i32 = argument(args, 6), width = argument(args, 7)
  const units = argument(args, 3) * length * heads
  const end = shareEnd(units, thread, threads)
  for (let unit = shareBegin(units, thread, threads); unit < end; unit++) {
    const head = unit % heads, i = unit / heads % length, batch = unit / (heads * length)
    const row = load<i32>(argument(args, 2) + (batch << 2)) + <i32>i
    const table: usize = argument(args, 9)
    if (row < 0 || (table == 0 && row >= capacity)) continue
    const page = table == 0 ? batch : pageOf(table, argument(args, 10), batch, row / capacity)
    const from: usize = argument(args, 1) + ((<usize>unit * width) << 2)
    const to = ((<usize>page * heads + head) * capacity + row % capacity) * width
    if (argument(args, 8) == 0) memory.copy(argument(args, 0) + (to << 2), from, <usize>width << 2)
    else storeHalves(argument(args, 0) + (to << 1), from, width)
  }
}

/** Rounds `width` f32 to f16. */
function storeHalves(to: usize, from: usize, width: u32): void {
  let d: u32 = 0
  for (; d + 8 <= width; d += 8, to += 16, from += 32) v128.store(to, floatsToHalves(v128.load(from), v128.load(from, 16)))
  for (; d < width; d++, to += 2, from += 4) store<u16>(to, floatToHalf(load<f32>(from)))
}
