import { argument, floatArgument, madd, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { BY_BLOCK, inverseOf, leastOf, mostOf, NONE, toInteger } from './activations'
import { E4M3, E5M2, groupBytesAt, superBlocksAt } from './layout'
import {
  blocksOf,
  COLUMNS,
  INPUT_SCALE,
  layoutOf,
  RECORDS,
  REST,
  ROUNDING,
  ROWS,
  SCRATCH,
  SCRATCH_BYTES,
  TOKENS,
  WEIGHT,
  X,
} from './linear/arguments'
import { storeGroup } from './linear/store'
import { PANEL_BYTES, SCALES } from './panel'

// Floats of 8 bits, with an f32 scale for one block or more of them. Shifting their bits into f32 position scales
// values by the difference of the biases: 2^−120 for e4m3, 2^−112 for e5m2. x takes half of the correction and the sum
// the other half, so that no product comes near f32's subnormals. Rounded activations are multiplied as f32.

/** Half of the correction. */
@inline
function raiseOf(codes: i32): f32 {
  return codes == E4M3 ? 1152921504606846976 : 72057594037927936
}

/** Column c of 4 rows, without the correction. */
@inline
function column(codes: i32, v: v128, c: i32, mask: v128): v128 {
  const top = i32x4.shl(v, 24 - 8 * c)
  return v128.and(codes == E4M3 ? i32x4.shr_s(top, 4) : i32x4.shr_s(top, 3), mask)
}

@inline
function maskOf(codes: i32): v128 {
  return codes == E4M3 ? i32x4.splat(0x87f00000) : i32x4.splat(0x8fe00000)
}

/** Rounds `count` ≤ 32 values to codes by the reciprocal of the scale and stores codes · `scale`. */
function roundBlock(x: usize, count: u32, rounding: u32, inverse: v128, scale: v128, to: usize): void {
  const least = leastOf(rounding)
  const most = mostOf(rounding)
  let k: u32 = 0
  for (; k + 4 <= count; k += 4, x += 16, to += 16) v128.store(to, rounded(v128.load(x), inverse, scale, least, most))
  for (; k < count; k++, x += 4, to += 4)
    store<f32>(to, f32x4.extract_lane(rounded(v128.load32_splat(x), inverse, scale, least, most), 0))
}

@inline
function rounded(x: v128, inverse: v128, scale: v128, least: v128, most: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(toInteger(f32x4.pmin(f32x4.pmax(f32x4.mul(x, inverse), least), most))), scale)
}

/** Stores one token's x · raise, rounded or exact. `to` holds the scale in between. */
function roundToken(x: usize, columns: u32, rounding: u32, given: f32, raise: f32, to: usize): void {
  if (rounding == NONE) {
    for (const end = x + ((<usize>columns) << 2); x < end; x += 4, to += 4) store<f32>(to, load<f32>(x) * raise)
    return
  }
  let inverse: f32 = rounding == BY_BLOCK ? 0 : inverseOf(x, columns, rounding, given, to)
  let scale = load<f32>(to)
  for (let k: u32 = 0; k < columns; k += 32, x += 128, to += 128) {
    const count = min<u32>(32, columns - k)
    if (rounding == BY_BLOCK) {
      inverse = inverseOf(x, count, rounding, given, to)
      scale = load<f32>(to)
    }
    roundBlock(x, count, rounding, f32x4.splat(inverse), f32x4.splat(scale * raise), to)
  }
}

/**
 * First stage for several tokens with activations of 8 bits: rounds them to f32 [M][K] at RECORDS. Threads share
 * tokens.
 */
export function roundTokens(args: usize, thread: u32, threads: u32): void {
  const tokens = argument(args, TOKENS)
  const columns = argument(args, COLUMNS)
  const bytes: usize = (<usize>columns) << 2
  for (let token = shareBegin(tokens, thread, threads), end = shareEnd(tokens, thread, threads); token < end; token++) {
    roundToken(
      argument(args, X) + token * bytes,
      columns,
      argument(args, ROUNDING),
      floatArgument(args, INPUT_SCALE),
      1,
      argument(args, RECORDS) + token * bytes,
    )
  }
}

/** One token. Each thread rounds x for itself; columns that fill up the last block are zero in x. */
export function gemvE4M3(args: usize, thread: u32, threads: u32): void {
  gemv(E4M3, args, thread, threads)
}
export function gemvE5M2(args: usize, thread: u32, threads: u32): void {
  gemv(E5M2, args, thread, threads)
}

@inline
function gemv(codes: i32, args: usize, thread: u32, threads: u32): void {
  const layout = layoutOf(args)
  const blocks = blocksOf(args)
  const superBlocks = superBlocksAt(layout)
  const columns = argument(args, COLUMNS)
  const out: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES)
  const x = out + REST
  if (columns & 31) memory.fill(x + ((<usize>columns) << 2), 0, 128)
  roundToken(argument(args, X), columns, argument(args, ROUNDING), floatArgument(args, INPUT_SCALE), raiseOf(codes), x)
  const groups = (argument(args, ROWS) + 7) >> 3
  const bytes = groupBytesAt(layout, blocks)
  const end = shareEnd(groups, thread, threads)
  for (let g = shareBegin(groups, thread, threads); g < end; g++) {
    if (codes == E4M3) tokenE4M3(argument(args, WEIGHT) + g * bytes, x, blocks, superBlocks, out)
    else tokenE5M2(argument(args, WEIGHT) + g * bytes, x, blocks, superBlocks, out)
    storeGroup(args, 0, 1, g, out)
  }
}

/** out[8] = x times the group at p. */
export function tokenE4M3(p: usize, x: usize, blocks: i32, superBlocks: i32, out: usize): void {
  token(E4M3, p, x, blocks, superBlocks, out)
}
export function tokenE5M2(p: usize, x: usize, blocks: i32, superBlocks: i32, out: usize): void {
  token(E5M2, p, x, blocks, superBlocks, out)
}

@inline
function token(codes: i32, p: usize, x: usize, blocks: i32, superBlocks: i32, out: usize): void {
  const mask = maskOf(codes)
  const raise = f32x4.splat(raiseOf(codes))
  const none = f32x4.splat(0)
  v128.store(out, none)
  v128.store(out, none, 16)
  for (; blocks > 0; blocks -= superBlocks) {
    const scales = p
    let a0 = none
    let a1 = none
    let b0 = none
    let b1 = none
    p += 32
    for (const end = p + ((<usize>min(blocks, superBlocks)) << 8); p < end; p += 32, x += 16) {
      const v0 = v128.load(p)
      const v1 = v128.load(p, 16)
      let s = v128.load32_splat(x)
      a0 = madd(s, column(codes, v0, 0, mask), a0)
      a1 = madd(s, column(codes, v1, 0, mask), a1)
      s = v128.load32_splat(x, 4)
      b0 = madd(s, column(codes, v0, 1, mask), b0)
      b1 = madd(s, column(codes, v1, 1, mask), b1)
      s = v128.load32_splat(x, 8)
      a0 = madd(s, column(codes, v0, 2, mask), a0)
      a1 = madd(s, column(codes, v1, 2, mask), a1)
      s = v128.load32_splat(x, 12)
      b0 = madd(s, column(codes, v0, 3, mask), b0)
      b1 = madd(s, column(codes, v1, 3, mask), b1)
    }
    v128.store(out, madd(f32x4.mul(f32x4.add(a0, b0), raise), v128.load(scales), v128.load(out)))
    v128.store(out, madd(f32x4.mul(f32x4.add(a1, b1), raise), v128.load(scales, 16), v128.load(out, 16)), 16)
  }
}

/** `spreadPanel` for scales that serve 32 columns or more: f32 [K][8]. */
export function spreadE4M3(panel: usize, blocks: i32, to: usize): void {
  spread(E4M3, panel, blocks, to)
}
export function spreadE5M2(panel: usize, blocks: i32, to: usize): void {
  spread(E5M2, panel, blocks, to)
}

@inline
function spread(codes: i32, panel: usize, blocks: i32, to: usize): void {
  const mask = maskOf(codes)
  const raise = f32x4.splat(raiseOf(codes))
  for (let b = 0; b < blocks; b++, panel += PANEL_BYTES) {
    const scale0 = f32x4.mul(v128.load(panel, SCALES), raise)
    const scale1 = f32x4.mul(v128.load(panel, SCALES + 16), raise)
    for (let p = panel; p < panel + 256; p += 32, to += 128) {
      const v0 = v128.load(p)
      const v1 = v128.load(p, 16)
      for (let c = 0; c < 4; c++) {
        v128.store(to + 32 * c, f32x4.mul(f32x4.mul(column(codes, v0, c, mask), raise), scale0))
        v128.store(to + 32 * c, f32x4.mul(f32x4.mul(column(codes, v1, c, mask), raise), scale1), 16)
      }
    }
  }
}
