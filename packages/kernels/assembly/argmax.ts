import { argument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'

/** Words: x, index, rows, width. Index of the first largest value of each row. Rows are shared out. */
export function argmax(args: usize, thread: u32, threads: u32): void {
  const rows = argument(args, 2), width = argument(args, 3)
  const end = shareEnd(rows, thread, threads)
  for (let row = shareBegin(rows, thread, threads); row < end; row++) {
    const x: usize = argument(args, 0) + ((<usize>row * width) << 2)
    store<u32>(argument(args, 1) + (<usize>row << 2), firstLargest(x, width))
  }
}

function firstLargest(x: usize, width: u32): u32 {
  const vectors = width & ~3
  let best = f32x4.splat(-Infinity), where = i32x4.splat(0)
  let index = i32x4(0, 1, 2, 3)
  const four = i32x4.splat(4)
  for (let i: u32 = 0; i < vectors; i += 4) {
    const v = v128.load(x + (<usize>i << 2))
    const larger = f32x4.gt(v, best)
    best = v128.bitselect(v, best, larger)
    where = v128.bitselect(index, where, larger)
    index = i32x4.add(index, four)
  }
  let value = f32x4.extract_lane(best, 0)
  let at: u32 = i32x4.extract_lane(where, 0)
  for (let lane = 1; lane < 4; lane++) {
    const shifted = lane == 1 ? i8x16.shuffle(best, best, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7) : lane == 2 ? i8x16.shuffle(best, best, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11) : i8x16.shuffle(best, best, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15)
    const places = lane == 1 ? i32x4.extract_lane(where, 1) : lane == 2 ? i32x4.extract_lane(where, 2) : i32x4.extract_lane(where, 3)
    const candidate = f32x4.extract_lane(shifted, 0)
    if (candidate > value || (candidate == value && <u32>places < at)) {
      value = candidate
      at = places
    }
  }
  for (let i = vectors; i < width; i++) {
    const candidate = load<f32>(x + (<usize>i << 2))
    if (candidate > value) {
      value = candidate
      at = i
    }
  }
  return at
}
