import {
  beginOf,
  BYTES,
  CODES,
  endOf,
  HALVES,
  lanesOf,
  loadBlocks,
  outOf,
  SCALE_CODES,
  scratchOf,
  toHalf,
  X,
} from './blocks'
import { codesToBytes, nibbles, packHalves, packTwoBits } from './bytes'
import { extremeOf, inverseOf } from './sums'

// Ternary codes (src/format/encode/ternary.ts) and floats of 4 bits (src/format/encode/float4.ts).

/** Codes 0, 1, 2 of the values nearest to −d, 0, d (halves go outwards). */
function encodeTernary(args: usize, scratch: usize, block: u32): void {
  loadBlocks(args, scratch, block, 256)
  let x = scratch + X
  let codes = scratch + CODES
  const d = f32x4.abs(extremeOf(x, 256))
  const inverse = inverseOf(d)
  const one = f32x4.splat(1)
  const half = f32x4.splat(0.5)
  const minus = f32x4.splat(-0.5)
  toHalf(d, scratch + HALVES)
  for (const end = x + 4096; x < end; x += 16, codes += 16) {
    const scaled = f32x4.mul(v128.load(x), inverse)
    v128.store(
      codes,
      f32x4.sub(f32x4.add(one, v128.and(one, f32x4.ge(scaled, half))), v128.and(one, f32x4.le(scaled, minus))),
    )
  }
  codesToBytes(scratch, 256)
}

/** Byte i: `digits` of the codes i, i + width, i + 2·width … as a base-3 fraction of 256 of five digits, rounded up. */
@inline
function packTernary(codes: usize, width: usize, digits: i32, out: usize): void {
  for (const end = out + width; out < end; out++, codes++) {
    let fraction: u32 = 0
    for (let n: i32 = 0; n < 5; n++)
      fraction = 3 * fraction + (n < digits ? <u32>load<u8>(codes + <usize>n * width) : 0)
    store<u8>(out, (fraction * 256 + 242) / 243)
  }
}

export function encodeTQ10(args: usize, thread: u32, threads: u32): void {
  const scratch = scratchOf(args, thread)
  for (let block = beginOf(args, thread, threads), end = endOf(args, thread, threads); block < end; block += 4) {
    encodeTernary(args, scratch, block)
    let out = outOf(args, block, 54)
    for (let lane: u32 = 0; lane < lanesOf(args, block); lane++, out += 54) {
      const codes = scratch + BYTES + (lane << 8)
      packTernary(codes, 32, 5, out)
      packTernary(codes + 160, 16, 5, out + 32)
      packTernary(codes + 240, 4, 4, out + 48)
      store<u16>(out, load<u32>(scratch + HALVES + (lane << 2)), 52)
    }
  }
}

export function encodeTQ20(args: usize, thread: u32, threads: u32): void {
  const scratch = scratchOf(args, thread)
  for (let block = beginOf(args, thread, threads), end = endOf(args, thread, threads); block < end; block += 4) {
    encodeTernary(args, scratch, block)
    let out = outOf(args, block, 66)
    for (let lane: u32 = 0; lane < lanesOf(args, block); lane++, out += 66) {
      packTwoBits(scratch + BYTES + (lane << 8), out)
      store<u16>(out, load<u32>(scratch + HALVES + (lane << 2)), 64)
    }
  }
}

/**
 * Codes of e2m1 for `count` values, where `unit` is the value of its ½; ties go to the smaller, all are 0 where `unit`
 * is.
 */
function roundE2M1(x: usize, count: i32, unit: v128, codes: usize): void {
  const live = f32x4.ne(unit, f32x4.splat(0))
  const a = f32x4.mul(unit, f32x4.splat(0.5))
  const b = f32x4.mul(unit, f32x4.splat(1.5))
  const c = f32x4.mul(unit, f32x4.splat(2.5))
  const d = f32x4.mul(unit, f32x4.splat(3.5))
  const e = f32x4.mul(unit, f32x4.splat(5))
  const f = f32x4.mul(unit, f32x4.splat(7))
  const g = f32x4.mul(unit, f32x4.splat(10))
  for (const end = x + ((<usize>count) << 4); x < end; x += 16, codes += 16) {
    const value = v128.load(x)
    const magnitude = f32x4.abs(value)
    const above = f32x4.gt(magnitude, a)
    const low = i32x4.add(
      i32x4.add(above, f32x4.gt(magnitude, b)),
      i32x4.add(f32x4.gt(magnitude, c), f32x4.gt(magnitude, d)),
    )
    const high = i32x4.add(f32x4.gt(magnitude, e), i32x4.add(f32x4.gt(magnitude, f), f32x4.gt(magnitude, g)))
    const code = f32x4.convert_i32x4_s(i32x4.neg(i32x4.add(low, high)))
    const sign = v128.and(v128.and(f32x4.lt(value, f32x4.splat(0)), above), f32x4.splat(8))
    v128.store(codes, v128.and(live, f32x4.add(code, sign)))
  }
}

/**
 * ⌊log2⌋ of a positive value as the f32 logarithm gives it: just below a power of two, the logarithm may round up to
 * the whole number.
 */
function floorLog2(value: f32): i32 {
  const bits = reinterpret<i32>(value)
  const next = (bits >> 23) - 126
  // Each 2^-24 below a power of two, relative to it, lowers the logarithm by 2^-24 / ln 2. f32 rounds that away up to
  // half its spacing there, 2^(spacing − 24).
  const spacing = 31 - clz<i32>(next < 0 ? -next : next) - (next > 0 && popcnt<i32>(next) == 1 ? 1 : 0)
  if (next == 0 || spacing < 0) return next - 1
  const below: i32 = 0x800000 - (bits & 0x7fffff)
  return <f32>below <= <f32>(1 << spacing) * <f32>0.6931472 ? next : next - 1
}

/** Exponent that maps the extreme to 4 … 8. */
export function encodeMXFP4(args: usize, thread: u32, threads: u32): void {
  const scratch = scratchOf(args, thread)
  for (let block = beginOf(args, thread, threads), end = endOf(args, thread, threads); block < end; block += 4) {
    loadBlocks(args, scratch, block, 32)
    const units = scratch + HALVES
    const exponents = scratch + SCALE_CODES
    v128.store(units, f32x4.abs(extremeOf(scratch + X, 32)))
    for (let lane: usize = 0; lane < 16; lane += 4) {
      const largest = load<f32>(units + lane)
      const exponent = largest > 0 ? max<i32>(0, floorLog2(largest) + 125) : 0
      store<i32>(exponents + lane, exponent)
      store<u32>(units + lane, exponent > 1 ? (exponent - 1) << 23 : 0x200000 << exponent)
    }
    roundE2M1(scratch + X, 32, v128.load(units), scratch + CODES)
    codesToBytes(scratch, 32)
    let out = outOf(args, block, 17)
    for (let lane: u32 = 0; lane < lanesOf(args, block); lane++, out += 17) {
      store<u8>(out, load<u32>(exponents + (lane << 2)))
      packHalves(scratch + BYTES + (lane << 8), out + 1)
    }
  }
}

/**
 * Nearest e4m3 byte without a sign, ties to the larger. As in ggml, values that round to 256 or more become 448 (0x7e).
 */
function toUE4M3(value: f32): u32 {
  if (value == 0) return 0
  if (value < 0.015625) return min<u32>(<u32>floor<f64>(<f64>value * 512 + 0.5), 7)
  const bits = reinterpret<u32>(value)
  const code = ((bits >> 23) - 120) * 8 + (((bits & 0x7fffff) + 0x80000) >> 20)
  return code < 0x78 ? code : 0x7e
}

/** Half the value of an e4m3 byte below 0x7f. */
function halfUE4M3(code: u32): f32 {
  return code < 8 ? <f32>code / 1024 : reinterpret<f32>((((code >> 3) + 119) << 23) | ((code & 7) << 20))
}

/** Encodes NVFP4: for each 16 values, a scale in e4m3 that maps the extreme to 6. */
export function encodeNVFP4(args: usize, thread: u32, threads: u32): void {
  const scratch = scratchOf(args, thread)
  for (let block = beginOf(args, thread, threads), end = endOf(args, thread, threads); block < end; block += 4) {
    loadBlocks(args, scratch, block, 64)
    const units = scratch + HALVES
    for (let group: usize = 0; group < 4; group++) {
      const x = scratch + X + (group << 8)
      const scales = scratch + SCALE_CODES + (group << 4)
      v128.store(units, f32x4.div(f32x4.abs(extremeOf(x, 16)), f32x4.splat(6)))
      for (let lane: usize = 0; lane < 16; lane += 4) {
        const code = toUE4M3(load<f32>(units + lane))
        store<u32>(scales + lane, code)
        store<f32>(units + lane, halfUE4M3(code))
      }
      roundE2M1(x, 16, v128.load(units), scratch + CODES + (group << 8))
    }
    codesToBytes(scratch, 64)
    let out = outOf(args, block, 36)
    for (let lane: u32 = 0; lane < lanesOf(args, block); lane++, out += 36) {
      const codes = scratch + BYTES + (lane << 8)
      for (let group: usize = 0; group < 4; group++) {
        store<u8>(out + group, load<u32>(scratch + SCALE_CODES + (group << 4) + (lane << 2)))
        const v = v128.load(codes + (group << 4))
        v128.store64_lane(out + (group << 3), nibbles(v, v128.shuffle<i64>(v, v, 1, 0)), 0, 4)
      }
    }
  }
}
