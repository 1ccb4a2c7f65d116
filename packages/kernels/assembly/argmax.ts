import { argument, maxLanes, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'

/** Writes the index of the first largest value of each row. Words: x, index, rows, width. Threads share rows. */
export function argmax(args: usize, thread: u32, threads: u32): void {
  const rows = argument(args, 2)
  const width = argument(args, 3)
  const end = shareEnd(rows, thread, threads)
  for (let row = shareBegin(rows, thread, threads); row < end; row++) {
    const x: usize = argument(args, 0) + ((<usize>row * width) << 2)
    store<u32>(argument(args, 1) + ((<usize>row) << 2), firstLargest(x, width))
  }
}

/**
 * Finds the largest value, then its first position: two passes over cached values are faster than one that carries
 * indices.
 */
function firstLargest(x: usize, width: u32): u32 {
  const end: usize = x + ((<usize>width) << 2)
  let a = f32x4.splat(-Infinity)
  let b = a
  let c = a
  let d = a
  let at = x
  for (; at + 64 <= end; at += 64) {
    a = f32x4.pmax(a, v128.load(at))
    b = f32x4.pmax(b, v128.load(at, 16))
    c = f32x4.pmax(c, v128.load(at, 32))
    d = f32x4.pmax(d, v128.load(at, 48))
  }
  let value = maxLanes(f32x4.pmax(f32x4.pmax(a, b), f32x4.pmax(c, d)))
  for (; at < end; at += 4) {
    const candidate = load<f32>(at)
    if (candidate > value) value = candidate
  }
  // Nothing exceeds −∞, so the first index is right for any row.
  if (value == -Infinity) return 0
  const values = f32x4.splat(value)
  for (at = x; at + 16 <= end && !v128.any_true(f32x4.eq(v128.load(at), values)); ) at += 16
  while (load<f32>(at) != value) at += 4
  return <u32>((at - x) >> 2)
}
