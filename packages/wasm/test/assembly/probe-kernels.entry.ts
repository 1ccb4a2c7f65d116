// Kernels for the tests of the device: each shows one property of it.
import { argument, floatArgument, madd, shareBegin, shareEnd, sumLanes } from '../../assembly/lib'

/** y = factor · x. Arguments: x, y, count, factor. */
export function scale(args: usize, thread: u32, threads: u32): void {
  const x: usize = argument(args, 0)
  const y: usize = argument(args, 1)
  const count = argument(args, 2)
  const factor = floatArgument(args, 3)
  for (let i: usize = shareBegin(count, thread, threads), end: usize = shareEnd(count, thread, threads); i < end; i++)
    store<f32>(y + (i << 2), factor * load<f32>(x + (i << 2)))
}

/** y = x backwards: reads what other threads wrote in the stage before. Arguments: x, y, count. */
export function reverse(args: usize, thread: u32, threads: u32): void {
  const x: usize = argument(args, 0)
  const y: usize = argument(args, 1)
  const count = argument(args, 2)
  for (let i: usize = shareBegin(count, thread, threads), end: usize = shareEnd(count, thread, threads); i < end; i++)
    store<f32>(y + (i << 2), load<f32>(x + ((<usize>count - 1 - i) << 2)))
}

/** y[row] = a[row] · b, eight products in flight. Arguments: a, b, y, rows, columns (a multiple of 8). */
export function dot(args: usize, thread: u32, threads: u32): void {
  const a: usize = argument(args, 0)
  const b: usize = argument(args, 1)
  const y: usize = argument(args, 2)
  const rows = argument(args, 3)
  const columns: usize = argument(args, 4)
  for (
    let row: usize = shareBegin(rows, thread, threads), end: usize = shareEnd(rows, thread, threads);
    row < end;
    row++
  ) {
    const line = a + ((row * columns) << 2)
    let even = f32x4.splat(0)
    let odd = f32x4.splat(0)
    for (let i: usize = 0; i < columns; i += 8) {
      even = madd(v128.load(line + (i << 2)), v128.load(b + (i << 2)), even)
      odd = madd(v128.load(line + (i << 2), 16), v128.load(b + (i << 2), 16), odd)
    }
    store<f32>(y + (row << 2), sumLanes(f32x4.add(even, odd)))
  }
}

/**
 * Counts to `rounds` in one share and traps there if asked to; the others count to theirs. If asked to, each share
 * first waits until all have a thread of their own; share 0 is the calling thread's. Arguments: share, rounds, traps,
 * rounds of the others, address for the count, whether they wait, 0 (shares that have come).
 */
export function misbehave(args: usize, share: u32, shares: u32): void {
  const meeting: usize = args + 24
  if (argument(args, 5) != 0) {
    const target = (atomic.add<u32>(meeting, 1) / shares + 1) * shares
    while (atomic.load<u32>(meeting) < target) {}
  }
  const chosen = share == argument(args, 0)
  const rounds = argument(args, chosen ? 1 : 3)
  const out: usize = argument(args, 4)
  for (let i: u32 = 0; i < rounds; i++) atomic.store<u32>(out, i)
  if (chosen && argument(args, 2) != 0) unreachable()
}
