// Memory begun ahead of its use. Hardware recognises a stream and reads ahead of it, but only to the end of a page of 4 KB; in the next page the
// first loads wait for its address and for memory, and hold up all arithmetic behind them. WebAssembly has no prefetch: loads whose values
// nobody needs begin a page's stream, which goes on beside the arithmetic.

const PAGE: usize = 4096

/**
 * Begins the pages that lie in the bytes from `begun` on, below `until` and `end`, by the first four lines of each. Returns where the next ones are.
 * What was read goes to the 4 bytes at `out`, so that no compiler drops the loads; nothing is read beyond `end`.
 */
export function beginPages(begun: usize, until: usize, end: usize, out: usize): usize {
  let a: u32 = 0, page = (begun + PAGE - 1) & ~(PAGE - 1)
  for (; page < until && page + 256 <= end; page += PAGE) a ^= load<u32>(page) ^ load<u32>(page, 64) ^ load<u32>(page, 128) ^ load<u32>(page, 192)
  store<u32>(out, a)
  return page
}
