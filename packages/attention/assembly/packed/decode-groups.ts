import { widenHalf } from '@tessera-llm/wasm/assembly/lib'

// Decodes groups to f32 rows, four channels at a time: minimum + code · scale, each rounded.

@inline
const TOKENS: i32 = 32

@inline
function scaleOf(word: v128): v128 {
  return widenHalf(i32x4.shr_s(word, 16))
}

@inline
function minimumOf(word: v128): v128 {
  return widenHalf(i32x4.shr_s(i32x4.shl(word, 16), 16))
}

/** Four codes of a byte each, in the low bytes of `codes`, decoded. */
@inline
function four(codes: v128, scale: v128, minimum: v128): v128 {
  const wide = i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(codes))
  return f32x4.add(minimum, f32x4.mul(f32x4.convert_i32x4_s(wide), scale))
}

/** The codes of a word as bytes in the order of their channels: 4, 8 or 16. */
@inline
function bytesOf(bits: u32, word: usize): v128 {
  const all = v128.load32_zero(word)
  if (bits == 8) return all
  if (bits == 4) {
    const mask = i8x16.splat(15)
    const odd = v128.and(i16x8.shr_u(all, 4), mask)
    return v128.shuffle<i8>(v128.and(all, mask), odd, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
  }
  const mask = i8x16.splat(3)
  const c0 = v128.and(all, mask)
  const c1 = v128.and(i16x8.shr_u(all, 2), mask)
  const c2 = v128.and(i16x8.shr_u(all, 4), mask)
  const c3 = v128.and(i16x8.shr_u(all, 6), mask)
  const low = v128.shuffle<i8>(c0, c1, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
  const high = v128.shuffle<i8>(c2, c3, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
  return v128.shuffle<i16>(low, high, 0, 8, 1, 9, 2, 10, 3, 11)
}

/** Next four of the codes that `bytesOf` returns. */
@inline
function next(codes: v128): v128 {
  return v128.shuffle<i32>(codes, codes, 1, 2, 3, 3)
}

/** Tokens `first` … `first + count − 1` of a group by channel. */
export function decodeChannels(bits: u32, group: usize, first: i32, count: i32, width: u32, to: usize): void {
  if (bits == 8) channels(8, group, first, count, width, to)
  else if (bits == 4) channels(4, group, first, count, width, to)
  else channels(2, group, first, count, width, to)
}

@inline
function channels(bits: u32, group: usize, first: i32, count: i32, width: u32, to: usize): void {
  const each = 32 / bits
  const words = group + ((width * bits) << 2)
  for (let d: u32 = 0, at = group + (first << 2); d < width; d += each, at += TOKENS << 2) {
    const parameters = words + (d << 2)
    let s0 = v128.load(parameters)
    const m0 = minimumOf(s0)
    s0 = scaleOf(s0)
    let s1 = s0
    let s2 = s0
    let s3 = s0
    let m1 = m0
    let m2 = m0
    let m3 = m0
    if (bits < 8) {
      s1 = v128.load(parameters, 16)
      m1 = minimumOf(s1)
      s1 = scaleOf(s1)
    }
    if (bits == 2) {
      s2 = v128.load(parameters, 32)
      m2 = minimumOf(s2)
      s2 = scaleOf(s2)
      s3 = v128.load(parameters, 48)
      m3 = minimumOf(s3)
      s3 = scaleOf(s3)
    }
    let out = to + (d << 2)
    for (let i = 0; i < count; i++, out += width << 2) {
      let codes = bytesOf(bits, at + (i << 2))
      v128.store(out, four(codes, s0, m0))
      if (bits < 8) {
        codes = next(codes)
        v128.store(out, four(codes, s1, m1), 16)
      }
      if (bits == 2) {
        codes = next(codes)
        v128.store(out, four(codes, s2, m2), 32)
        v128.store(out, four(next(codes), s3, m3), 48)
      }
    }
  }
}

/** Tokens `first` … `first + count − 1` of a group by token. */
export function decodeTokens(bits: u32, group: usize, first: i32, count: i32, width: u32, to: usize): void {
  const mask = i32x4.splat((1 << bits) - 1)
  const words = group + ((width * bits) << 2)
  for (let i = 0; i < count; i++) {
    const token: u32 = first + i
    const codes = group + ((<usize>((token * bits) / 32) * width) << 2)
    const shift = (token * bits) % 32
    for (let d: u32 = 0; d < width; d += 4, to += 16) {
      const word = v128.load32_splat(words + (((d & ~31) + token) << 2))
      const wide = v128.and(i32x4.shr_u(v128.load(codes + (d << 2)), shift), mask)
      v128.store(to, f32x4.add(minimumOf(word), f32x4.mul(f32x4.convert_i32x4_s(wide), scaleOf(word))))
    }
  }
}
