// Work distribution: each thread gets whole ranges of units, so that no result depends on the number of threads.

/** First unit of `thread` when `units` are divided into ranges. */
@inline
export function shareBegin(units: u32, thread: u32, threads: u32): u32 {
  return u32((u64(units) * thread) / threads)
}

/** One past the last unit of `thread`. */
@inline
export function shareEnd(units: u32, thread: u32, threads: u32): u32 {
  return u32((u64(units) * (thread + 1)) / threads)
}

/** Word `index` of an argument block, as an address or count. */
@inline
export function argument(args: usize, index: u32): u32 {
  return load<u32>(args + (index << 2))
}

/** Word `index` of an argument block, as f32. */
@inline
export function floatArgument(args: usize, index: u32): f32 {
  return load<f32>(args + (index << 2))
}
