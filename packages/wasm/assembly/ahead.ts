// Software prefetch. The hardware prefetcher recognizes a stream and reads ahead, but only to the end of a 4 KB page;
// in the next page the first loads wait for address and memory, and hold up all arithmetic behind them. WebAssembly has
// no prefetch instruction: loads with unused values start a page's stream, which continues beside the arithmetic.

const PAGE: usize = 4096

/**
 * Starts the pages between `begun` and min(`until`, `end`) by reading the first four lines of each. Returns where the
 * next pages begin. Stores what was read in the 4 bytes at `out`, so that no compiler drops the loads; reads nothing
 * beyond `end`.
 */
export function beginPages(begun: usize, until: usize, end: usize, out: usize): usize {
  let a: u32 = 0
  let page = (begun + PAGE - 1) & ~(PAGE - 1)
  for (; page < until && page + 256 <= end; page += PAGE)
    a ^= load<u32>(page) ^ load<u32>(page, 64) ^ load<u32>(page, 128) ^ load<u32>(page, 192)
  store<u32>(out, a)
  return page
}
