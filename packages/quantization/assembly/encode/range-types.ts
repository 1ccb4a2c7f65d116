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
  MINIMUM_CODES,
  MINIMUMS,
  outOf,
  SCALE_CODES,
  SCALES,
  scratchOf,
  toHalf,
  WEIGHTS,
  X,
} from './blocks'
import { codeAt, codesToBytes, packBits, packNibblePairs, packTwoBits } from './bytes'
import { roundToLargest, searchPositiveScale } from './search-positive'
import { searchRange } from './search-range'
import { nearestCode, sumOf, sumOfSquares, weighByImportance } from './sums'

// Q2_K, Q4_K, Q5_K: groups with a scale and a minimum, both in units of an f16 of the block
// (src/format/encode/range-block.ts).

/** Stores codes at CODES, codes of scales and minimums at theirs, the two f16 at HALVES. */
function encodeRange(
  scratch: usize,
  weighted: bool,
  size: i32,
  lastCode: f32,
  lastScale: f32,
  first: f32,
  steps: i32,
  factor: f32,
): void {
  const groups = 256 / size
  const weights = scratch + WEIGHTS
  const bytes: usize = (<usize>size) << 4
  const variance = weighted
    ? f32x4.div(f32x4.mul(f32x4.splat(factor), sumOfSquares(scratch + X, 256)), f32x4.splat(256))
    : f32x4.splat(0)
  for (let group: usize = 0; group < <usize>groups; group++) {
    const x = scratch + X + group * bytes
    const codes = scratch + CODES + group * bytes
    const minimumAt = scratch + MINIMUMS + (group << 4)
    let scale: v128
    if (weighted) {
      weighByImportance(x, scratch + IMPORTANCE + group * bytes, size, variance, weights)
      v128.store(scratch + GROUP_WEIGHTS + (group << 4), sumOf(weights, size))
      scale = searchRange(scratch, x, weights, size, lastCode, -0.9, 0.05, 36, false, codes, minimumAt)
    } else {
      weighByMagnitude(x, size, weights)
      scale = searchRange(scratch, x, weights, size, lastCode, first, 0.1, steps, size == 16, codes, minimumAt)
    }
    v128.store(scratch + SCALES + (group << 4), scale)
  }
  const d = toHalf(fit(scratch, weighted, scratch + SCALES, groups, lastScale, scratch + SCALE_CODES), scratch + HALVES)
  const dmin = toHalf(
    fit(scratch, weighted, scratch + MINIMUMS, groups, lastScale, scratch + MINIMUM_CODES),
    scratch + HALVES + 16,
  )
  const zero = f32x4.splat(0)
  const most = f32x4.splat(lastCode)
  // Codes fit the stored scales; a group whose scale became 0 keeps the codes of its search.
  for (let group: usize = 0; group < <usize>groups; group++) {
    const scale = f32x4.mul(d, v128.load(scratch + SCALE_CODES + (group << 4)))
    const kept = f32x4.eq(scale, zero)
    const minimum = f32x4.mul(dmin, v128.load(scratch + MINIMUM_CODES + (group << 4)))
    let x = scratch + X + group * bytes
    let codes = scratch + CODES + group * bytes
    for (const end = x + bytes; x < end; x += 16, codes += 16) {
      const code = nearestCode(f32x4.div(f32x4.add(v128.load(x), minimum), scale), zero, most)
      v128.store(codes, v128.bitselect(v128.load(codes), code, kept))
    }
  }
  codesToBytes(scratch, 256)
}

function fit(scratch: usize, weighted: bool, x: usize, groups: i32, last: f32, codes: usize): v128 {
  return weighted
    ? searchPositiveScale(x, groups, last, scratch + GROUP_WEIGHTS, codes)
    : roundToLargest(x, groups, last, codes)
}

/** Weights: magnitudes for groups of 16, plus their root mean square for groups of 32. */
function weighByMagnitude(x: usize, count: i32, weights: usize): void {
  const level = count == 16 ? f32x4.splat(0) : f32x4.sqrt(f32x4.div(sumOfSquares(x, count), f32x4.splat(<f32>count)))
  for (const end = x + ((<usize>count) << 4); x < end; x += 16, weights += 16)
    v128.store(weights, f32x4.add(level, f32x4.abs(v128.load(x))))
}

@inline
function storeHalves(scratch: usize, lane: u32, out: usize): void {
  store<u16>(out, load<u32>(scratch + HALVES + (lane << 2)))
  store<u16>(out, load<u32>(scratch + HALVES + 16 + (lane << 2)), 2)
}

/** 8 scales and 8 minimums of 6 bits to 12 bytes. */
function storeSixBits(scratch: usize, lane: u32, out: usize): void {
  for (let group: usize = 0; group < 4; group++) {
    const at = group << 4
    const scale = codeAt(scratch + SCALE_CODES + 64 + at, lane)
    const minimum = codeAt(scratch + MINIMUM_CODES + 64 + at, lane)
    store<u8>(out + group, codeAt(scratch + SCALE_CODES + at, lane) | ((scale >> 4) << 6))
    store<u8>(out + group, codeAt(scratch + MINIMUM_CODES + at, lane) | ((minimum >> 4) << 6), 4)
    store<u8>(out + group, (scale & 15) | ((minimum & 15) << 4), 8)
  }
}

export function encodeQ2K(args: usize, thread: u32, threads: u32): void {
  const scratch = scratchOf(args, thread)
  for (let block = beginOf(args, thread, threads), end = endOf(args, thread, threads); block < end; block += 4) {
    loadBlocks(args, scratch, block, 256)
    encodeRange(scratch, hasImportance(args), 16, 3, 15, -0.5, 15, 1)
    let out = outOf(args, block, 84)
    for (let lane: u32 = 0; lane < lanesOf(args, block); lane++, out += 84) {
      for (let group: usize = 0; group < 16; group++) {
        store<u8>(
          out + group,
          codeAt(scratch + SCALE_CODES + (group << 4), lane) |
            (codeAt(scratch + MINIMUM_CODES + (group << 4), lane) << 4),
        )
      }
      packTwoBits(scratch + BYTES + (lane << 8), out + 16)
      storeHalves(scratch, lane, out + 80)
    }
  }
}

export function encodeQ4K(args: usize, thread: u32, threads: u32): void {
  const scratch = scratchOf(args, thread)
  for (let block = beginOf(args, thread, threads), end = endOf(args, thread, threads); block < end; block += 4) {
    loadBlocks(args, scratch, block, 256)
    encodeRange(scratch, hasImportance(args), 32, 15, 63, -1, 20, 2)
    let out = outOf(args, block, 144)
    for (let lane: u32 = 0; lane < lanesOf(args, block); lane++, out += 144) {
      storeHalves(scratch, lane, out)
      storeSixBits(scratch, lane, out + 4)
      packNibblePairs(scratch + BYTES + (lane << 8), out + 16)
    }
  }
}

export function encodeQ5K(args: usize, thread: u32, threads: u32): void {
  const scratch = scratchOf(args, thread)
  for (let block = beginOf(args, thread, threads), end = endOf(args, thread, threads); block < end; block += 4) {
    loadBlocks(args, scratch, block, 256)
    encodeRange(scratch, hasImportance(args), 32, 31, 63, -0.5, 15, 2)
    let out = outOf(args, block, 176)
    for (let lane: u32 = 0; lane < lanesOf(args, block); lane++, out += 176) {
      storeHalves(scratch, lane, out)
      storeSixBits(scratch, lane, out + 4)
      packBits(scratch + BYTES + (lane << 8), 4, out + 16)
      packNibblePairs(scratch + BYTES + (lane << 8), out + 48)
    }
  }
}
