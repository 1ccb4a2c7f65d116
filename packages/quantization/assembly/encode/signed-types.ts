import {
  beginOf,
  BYTES,
  CODES,
  endOf,
  GROUP_WEIGHTS,
  HALVES,
  hasImportance,
  IMPORTANCE,
  lanesOf,
  loadBlocks,
  outOf,
  SCALE_CODES,
  SCALES,
  scratchOf,
  toHalf,
  WEIGHTS,
  X,
} from './blocks'
import { codeAt, codesToBytes, nibbles, packBits, packTwoBits, shiftedUp } from './bytes'
import { refineCodes, searchScale } from './search-scale'
import {
  extremeOf,
  inverseOf,
  isLarge,
  nearestCode,
  sumOf,
  sumOfSquares,
  weighByImportance,
  weighBySquares,
} from './sums'

// Q3_K and Q6_K: groups of 16 with a signed scale in units of an f16 of the block (src/format/encode/q3-k.ts, q6-k.ts).

/**
 * Codes −half … half − 1, stored as 0 … 2·half − 1, for the scales d · code of the groups; where the scale is 0, codes
 * of the search stay.
 */
function roundGroups(scratch: usize, d: v128, half: f32): void {
  const zero = f32x4.splat(0)
  const least = f32x4.splat(-half)
  const most = f32x4.splat(half - 1)
  const middle = f32x4.splat(half)
  for (let group: usize = 0; group < 16; group++) {
    const scale = f32x4.mul(d, v128.load(scratch + SCALE_CODES + (group << 4)))
    const kept = f32x4.eq(scale, zero)
    let x = scratch + X + (group << 8)
    let codes = scratch + CODES + (group << 8)
    for (const end = x + 256; x < end; x += 16, codes += 16) {
      const code = f32x4.add(middle, nearestCode(f32x4.div(v128.load(x), scale), least, most))
      v128.store(codes, v128.bitselect(v128.load(codes), code, kept))
    }
  }
}

/** Returns the scale of the scales; their codes 0 … 63 go to SCALE_CODES. */
function refineScales(scratch: usize): v128 {
  for (let group: usize = 0; group < 16; group++)
    v128.store(
      scratch + SCALES + (group << 4),
      refineCodes(scratch, scratch + X + (group << 8), 16, 4, scratch + CODES + (group << 8)),
    )
  const largest = extremeOf(scratch + SCALES, 16)
  const live = f32x4.ne(largest, f32x4.splat(0))
  const inverse = f32x4.div(f32x4.splat(-32), largest)
  for (let group: usize = 0; group < 16; group++) {
    const code = nearestCode(
      f32x4.mul(inverse, v128.load(scratch + SCALES + (group << 4))),
      f32x4.splat(-32),
      f32x4.splat(31),
    )
    v128.store(scratch + SCALE_CODES + (group << 4), v128.and(live, f32x4.add(code, f32x4.splat(32))))
  }
  return v128.and(live, f32x4.div(f32x4.splat(1), inverse))
}

function searchScales(scratch: usize): v128 {
  const variance = f32x4.div(f32x4.mul(f32x4.splat(2), sumOfSquares(scratch + X, 256)), f32x4.splat(256))
  const weights = scratch + WEIGHTS
  for (let group: usize = 0; group < 16; group++) {
    const x = scratch + X + (group << 8)
    weighByImportance(x, scratch + IMPORTANCE + (group << 8), 16, variance, weights)
    v128.store(scratch + GROUP_WEIGHTS + (group << 4), sumOf(weights, 16))
    v128.store(scratch + SCALES + (group << 4), searchScale(scratch, x, weights, 16, 4, scratch + CODES + (group << 8)))
  }
  return searchScale(scratch, scratch + SCALES, scratch + GROUP_WEIGHTS, 16, 32, scratch + SCALE_CODES)
}

export function encodeQ3K(args: usize, thread: u32, threads: u32): void {
  const scratch = scratchOf(args, thread)
  for (let block = beginOf(args, thread, threads), end = endOf(args, thread, threads); block < end; block += 4) {
    loadBlocks(args, scratch, block, 256)
    const d = toHalf(hasImportance(args) ? searchScales(scratch) : refineScales(scratch), scratch + HALVES)
    for (let group: usize = 0; group < 16; group++) {
      const at = scratch + SCALE_CODES + (group << 4)
      v128.store(at, f32x4.sub(v128.load(at), f32x4.splat(32)))
    }
    roundGroups(scratch, d, 4)
    codesToBytes(scratch, 256)
    let out = outOf(args, block, 110)
    for (let lane: u32 = 0; lane < lanesOf(args, block); lane++, out += 110) {
      packBits(scratch + BYTES + (lane << 8), 2, out)
      packTwoBits(scratch + BYTES + (lane << 8), out + 32)
      storeScales(scratch + SCALE_CODES, lane, out + 96)
      store<u16>(out, load<u32>(scratch + HALVES + (lane << 2)), 108)
    }
  }
}

/** 16 codes of 6 bits to 12 bytes: 8 of low halves, 4 of pairs of high bits. */
function storeScales(codes: usize, lane: u32, out: usize): void {
  store<u64>(out, 0)
  store<u32>(out, 0, 8)
  for (let group: usize = 0; group < 16; group++) {
    const code = codeAt(codes + (group << 4), lane) + 32
    const low = out + (group & 7)
    const high = out + 8 + (group & 3)
    store<u8>(low, load<u8>(low) | ((code & 15) << (<i32>(4 * (group >> 3)))))
    store<u8>(high, load<u8>(high) | ((code >> 4) << (<i32>(2 * (group >> 2)))))
  }
}

export function encodeQ6K(args: usize, thread: u32, threads: u32): void {
  const scratch = scratchOf(args, thread)
  const weights = scratch + WEIGHTS
  for (let block = beginOf(args, thread, threads), end = endOf(args, thread, threads); block < end; block += 4) {
    loadBlocks(args, scratch, block, 256)
    for (let group: usize = 0; group < 16; group++) {
      const x = scratch + X + (group << 8)
      if (!hasImportance(args)) weighBySquares(x, 16, weights)
      v128.store(
        scratch + SCALES + (group << 4),
        searchScale(
          scratch,
          x,
          hasImportance(args) ? scratch + IMPORTANCE + (group << 8) : weights,
          16,
          32,
          scratch + CODES + (group << 8),
        ),
      )
    }
    const largest = extremeOf(scratch + SCALES, 16)
    const live = isLarge(largest)
    const inverse = f32x4.div(f32x4.splat(-128), largest)
    const d = toHalf(v128.and(live, inverseOf(inverse)), scratch + HALVES)
    for (let group: usize = 0; group < 16; group++) {
      const code = f32x4.pmin(
        f32x4.nearest(f32x4.mul(inverse, v128.load(scratch + SCALES + (group << 4)))),
        f32x4.splat(127),
      )
      v128.store(scratch + SCALE_CODES + (group << 4), v128.and(live, code))
    }
    roundGroups(scratch, d, 32)
    // A block without a scale is all zeros.
    for (let codes = scratch + CODES, stop = codes + 4096; codes < stop; codes += 16)
      v128.store(codes, v128.and(live, v128.load(codes)))
    codesToBytes(scratch, 256)
    let out = outOf(args, block, 210)
    for (let lane: u32 = 0; lane < lanesOf(args, block); lane++, out += 210) {
      packSixBits(scratch + BYTES + (lane << 8), out)
      for (let group: usize = 0; group < 16; group++)
        store<u8>(out + group, codeAt(scratch + SCALE_CODES + (group << 4), lane), 192)
      store<u16>(out, load<u32>(scratch + HALVES + (lane << 2)), 208)
    }
  }
}

/** 256 codes 0 … 63 to 128 bytes of halves and 64 bytes of pairs, in halves of four runs of 32. */
function packSixBits(codes: usize, out: usize): void {
  const mask = i8x16.splat(3)
  for (let i: usize = 0; i < 64; i += 16) {
    const at = codes + ((i >> 5) << 7) + (i & 31)
    const low = out + ((i >> 5) << 6) + (i & 31)
    const a = v128.load(at)
    const b = v128.load(at, 32)
    const c = v128.load(at, 64)
    const d = v128.load(at, 96)
    v128.store(low, nibbles(a, c))
    v128.store(low, nibbles(b, d), 32)
    const pairs = v128.or(v128.and(i16x8.shr_u(a, 4), mask), shiftedUp(v128.and(i16x8.shr_u(b, 4), mask), 2))
    v128.store(
      out + i,
      v128.or(
        pairs,
        v128.or(shiftedUp(v128.and(i16x8.shr_u(c, 4), mask), 4), shiftedUp(v128.and(i16x8.shr_u(d, 4), mask), 6)),
      ),
      128,
    )
  }
}
