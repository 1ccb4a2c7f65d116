// Packs tokens for the tiles of panel.ts: transposed, f32 [K][6] for six tokens and [K][4] for four. A tile of six
// keeps 12 accumulators, enough to hide FMA latency at two FMAs a cycle. Tiles of four cover remainders that would
// leave half of a six empty.

/**
 * Number of tiles of six, which come first. A remainder of five becomes a padded six; a remainder of one or two takes
 * one six back and makes two fours.
 */
export function sixesOf(tokens: u32): u32 {
  const sixes = tokens / 6
  const rest = tokens % 6
  if (rest == 5) return sixes + 1
  return sixes - u32((rest == 1 || rest == 2) && sixes > 0)
}

/** Number of tiles of six and four together. */
export function tilesOf(tokens: u32): u32 {
  const sixes = sixesOf(tokens)
  const inSixes: u32 = 6 * sixes
  return inSixes >= tokens ? sixes : sixes + ((tokens - inSixes + 3) >> 2)
}

/**
 * First token of a tile; its packed data begins at that many times K floats. All tiles together end at or before
 * ⌈tokens / 4⌉ · 4 · K floats.
 */
@inline
export function firstToken(tile: u32, sixes: u32): u32 {
  return tile <= sixes ? 6 * tile : 6 * sixes + ((tile - sixes) << 2)
}

/**
 * Packs `columns` columns of a tile's tokens to `to`. Rows of x are `stride` bytes apart, `tokens` of them are left;
 * missing tokens are zero.
 */
export function layTile(isSix: bool, x: usize, stride: usize, tokens: u32, columns: u32, to: usize): void {
  const height: u32 = isSix ? 6 : 4
  const bytes: usize = height << 2
  let k: u32 = 0
  if (tokens >= height) {
    const x1 = x + stride
    const x2 = x1 + stride
    const x3 = x2 + stride
    const x4 = x3 + stride
    const x5 = x4 + stride
    for (let target = to; k + 4 <= columns; k += 4, target += bytes << 2) {
      const at: usize = (<usize>k) << 2
      const a = v128.load(x + at)
      const b = v128.load(x1 + at)
      const c = v128.load(x2 + at)
      const d = v128.load(x3 + at)
      const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5)
      const ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
      const cd0 = v128.shuffle<i32>(c, d, 0, 4, 1, 5)
      const cd1 = v128.shuffle<i32>(c, d, 2, 6, 3, 7)
      v128.store(target, v128.shuffle<i64>(ab0, cd0, 0, 2))
      v128.store(target + bytes, v128.shuffle<i64>(ab0, cd0, 1, 3))
      v128.store(target + 2 * bytes, v128.shuffle<i64>(ab1, cd1, 0, 2))
      v128.store(target + 3 * bytes, v128.shuffle<i64>(ab1, cd1, 1, 3))
      if (isSix) {
        const e = v128.load(x4 + at)
        const f = v128.load(x5 + at)
        const ef0 = v128.shuffle<i32>(e, f, 0, 4, 1, 5)
        const ef1 = v128.shuffle<i32>(e, f, 2, 6, 3, 7)
        v128.store64_lane(target, ef0, 0, 16)
        v128.store64_lane(target, ef0, 1, 40)
        v128.store64_lane(target, ef1, 0, 64)
        v128.store64_lane(target, ef1, 1, 88)
      }
    }
  }
  for (; k < columns; k++) {
    for (let t: u32 = 0; t < height; t++)
      store<f32>(to + k * bytes + (t << 2), t < tokens ? load<f32>(x + t * stride + ((<usize>k) << 2)) : 0)
  }
}
