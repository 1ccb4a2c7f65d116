import { argument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'

/** Words: pool, i32[2] pages, number of pages, words per page. Threads share words. */
export function kvCopyPage(args: usize, thread: u32, threads: u32): void {
  const pool: usize = argument(args, 0)
  const count: i32 = argument(args, 2)
  const words = argument(args, 3)
  const from = load<i32>(argument(args, 1))
  const to = load<i32>(argument(args, 1), 4)
  if (min(from, to) < 0 || max(from, to) >= count) return
  const begin: usize = shareBegin(words, thread, threads)
  const end: usize = shareEnd(words, thread, threads)
  memory.copy(
    pool + ((<usize>to * words + begin) << 2),
    pool + ((<usize>from * words + begin) << 2),
    (end - begin) << 2,
  )
}
