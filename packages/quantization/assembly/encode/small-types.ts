import {
  beginOf,
  BYTES,
  CODES,
  endOf,
  HALVES,
  hasImportance,
  IMPORTANCE,
  lanesOf,
  loadBlocks,
  MINIMUMS,
  outOf,
  rowMeans,
  scratchOf,
  toHalf,
  WEIGHTS,
  X,
} from './blocks'
import { codesToBytes, fifthBits, packHalves } from './bytes'
import { searchRange } from './search-range'
import { searchScale } from './search-scale'
import { extremeOf, inverseOf, weighByImportance } from './sums'

// Blocks of 32: Q4_0, Q5_0, Q8_0 with a scale, Q4_1 and Q5_1 with a minimum too (src/format/encode/q4-0.ts and those
// beside it).

/**
 * Converts to integers; infinities and NaN, from the infinite reciprocal of a tiny scale, become 0.
 */
@inline
function whole(scaled: v128): v128 {
  return v128.and(f32x4.trunc(scaled), f32x4.lt(f32x4.abs(scaled), f32x4.splat(65536)))
}

function weigh(args: usize, scratch: usize, block: u32): void {
  weighByImportance(scratch + X, scratch + IMPORTANCE, 32, rowMeans(args, block), scratch + WEIGHTS)
}

/** Codes 0 … 2·half − 1 around the scale extreme / −half, or around the best of 19. */
@inline
function encodeSigned(args: usize, scratch: usize, block: u32, half: f32): void {
  loadBlocks(args, scratch, block, 32)
  let x = scratch + X
  let codes = scratch + CODES
  let d: v128
  if (hasImportance(args)) {
    weigh(args, scratch, block)
    d = searchScale(scratch, x, scratch + WEIGHTS, 32, half, codes)
  } else {
    d = f32x4.div(extremeOf(x, 32), f32x4.splat(-half))
    const inverse = inverseOf(d)
    const middle = f32x4.splat(half + 0.5)
    const last = f32x4.splat(2 * half - 1)
    for (const end = x + 512; x < end; x += 16, codes += 16)
      v128.store(codes, f32x4.pmin(whole(f32x4.add(f32x4.mul(v128.load(x), inverse), middle)), last))
  }
  toHalf(d, scratch + HALVES)
  codesToBytes(scratch, 32)
}

/** Codes 0 … last from the minimum on, for the scale range / last, or for the best of 38 with their minimums. */
@inline
function encodeRanged(args: usize, scratch: usize, block: u32, last: f32): void {
  loadBlocks(args, scratch, block, 32)
  let x = scratch + X
  let codes = scratch + CODES
  let d: v128
  let minimum: v128
  if (hasImportance(args)) {
    weigh(args, scratch, block)
    d = searchRange(scratch, x, scratch + WEIGHTS, 32, last, -0.9, 0.05, 36, false, codes, scratch + MINIMUMS)
    minimum = f32x4.neg(v128.load(scratch + MINIMUMS))
  } else {
    minimum = v128.load(x)
    let maximum = minimum
    for (let at = x + 16; at < x + 512; at += 16) {
      minimum = f32x4.pmin(minimum, v128.load(at))
      maximum = f32x4.pmax(maximum, v128.load(at))
    }
    d = f32x4.div(f32x4.sub(maximum, minimum), f32x4.splat(last))
    const inverse = inverseOf(d)
    const most = f32x4.splat(last)
    const half = f32x4.splat(0.5)
    for (const end = x + 512; x < end; x += 16, codes += 16)
      v128.store(codes, f32x4.pmin(whole(f32x4.add(f32x4.mul(f32x4.sub(v128.load(x), minimum), inverse), half)), most))
  }
  toHalf(d, scratch + HALVES)
  toHalf(minimum, scratch + HALVES + 16)
  codesToBytes(scratch, 32)
}

@inline
function storeHalf(scratch: usize, lane: u32, out: usize): void {
  store<u16>(out, load<u32>(scratch + HALVES + (lane << 2)))
}

export function encodeQ40(args: usize, thread: u32, threads: u32): void {
  const scratch = scratchOf(args, thread)
  for (let block = beginOf(args, thread, threads), end = endOf(args, thread, threads); block < end; block += 4) {
    encodeSigned(args, scratch, block, 8)
    let out = outOf(args, block, 18)
    for (let lane: u32 = 0; lane < lanesOf(args, block); lane++, out += 18) {
      storeHalf(scratch, lane, out)
      packHalves(scratch + BYTES + (lane << 8), out + 2)
    }
  }
}

export function encodeQ50(args: usize, thread: u32, threads: u32): void {
  const scratch = scratchOf(args, thread)
  for (let block = beginOf(args, thread, threads), end = endOf(args, thread, threads); block < end; block += 4) {
    encodeSigned(args, scratch, block, 16)
    let out = outOf(args, block, 22)
    for (let lane: u32 = 0; lane < lanesOf(args, block); lane++, out += 22) {
      storeHalf(scratch, lane, out)
      store<u32>(out, fifthBits(scratch + BYTES + (lane << 8)), 2)
      packHalves(scratch + BYTES + (lane << 8), out + 6)
    }
  }
}

export function encodeQ41(args: usize, thread: u32, threads: u32): void {
  const scratch = scratchOf(args, thread)
  for (let block = beginOf(args, thread, threads), end = endOf(args, thread, threads); block < end; block += 4) {
    encodeRanged(args, scratch, block, 15)
    let out = outOf(args, block, 20)
    for (let lane: u32 = 0; lane < lanesOf(args, block); lane++, out += 20) {
      storeHalf(scratch, lane, out)
      storeHalf(scratch + 16, lane, out + 2)
      packHalves(scratch + BYTES + (lane << 8), out + 4)
    }
  }
}

export function encodeQ51(args: usize, thread: u32, threads: u32): void {
  const scratch = scratchOf(args, thread)
  for (let block = beginOf(args, thread, threads), end = endOf(args, thread, threads); block < end; block += 4) {
    encodeRanged(args, scratch, block, 31)
    let out = outOf(args, block, 24)
    for (let lane: u32 = 0; lane < lanesOf(args, block); lane++, out += 24) {
      storeHalf(scratch, lane, out)
      storeHalf(scratch + 16, lane, out + 2)
      store<u32>(out, fifthBits(scratch + BYTES + (lane << 8)), 4)
      packHalves(scratch + BYTES + (lane << 8), out + 8)
    }
  }
}

/** d = |extreme| / 127; halves are rounded away from zero. */
export function encodeQ80(args: usize, thread: u32, threads: u32): void {
  const scratch = scratchOf(args, thread)
  const one = f32x4.splat(1)
  const half = f32x4.splat(0.5)
  const sign = i32x4.splat(0x80000000)
  for (let block = beginOf(args, thread, threads), end = endOf(args, thread, threads); block < end; block += 4) {
    loadBlocks(args, scratch, block, 32)
    let x = scratch + X
    let codes = scratch + CODES
    const d = f32x4.div(f32x4.abs(extremeOf(x, 32)), f32x4.splat(127))
    const inverse = inverseOf(d)
    toHalf(d, scratch + HALVES)
    for (const stop = x + 512; x < stop; x += 16, codes += 16) {
      const scaled = f32x4.mul(v128.load(x), inverse)
      const magnitude = f32x4.abs(scaled)
      const below = whole(magnitude)
      const rounded = f32x4.add(below, v128.and(one, f32x4.ge(f32x4.sub(magnitude, below), half)))
      v128.store(codes, v128.and(v128.or(rounded, v128.and(scaled, sign)), f32x4.lt(magnitude, f32x4.splat(65536))))
    }
    codesToBytes(scratch, 32)
    let out = outOf(args, block, 34)
    for (let lane: u32 = 0; lane < lanesOf(args, block); lane++, out += 34) {
      storeHalf(scratch, lane, out)
      v128.store(out, v128.load(scratch + BYTES + (lane << 8)), 2)
      v128.store(out, v128.load(scratch + BYTES + (lane << 8), 16), 18)
    }
  }
}
