import { isByte, Q5_0, Q5_1, Q5_K, Q6_K } from './layout'

/** `fifth` 0x10 in every byte; whether the kind has one high bit for each code. */
@inline export function hasFifth(kind: i32): bool {
  return kind == Q5_0 || kind == Q5_1 || kind == Q5_K
}

/** Unsigned codes of columns 4t … 4t+3 from nibble vector `v`; `high` holds the quad's high bits of the low nibbles. */
@inline export function lowCodes(kind: i32, v: v128, high: v128, t: i32, nibble: v128, mask: v128): v128 {
  const codes = v128.and(v, nibble)
  if (hasFifth(kind)) return v128.or(codes, v128.and(i16x8.shl(high, 4 - t), mask))
  if (kind == Q6_K) return v128.or(codes, v128.and(t < 2 ? i16x8.shl(high, 4 - 2 * t) : t == 2 ? high : i16x8.shr_u(high, 2), mask))
  return codes
}

/** Unsigned codes of columns 16+4t … 16+4t+3. */
@inline export function highCodes(kind: i32, v: v128, high: v128, t: i32, nibble: v128, mask: v128): v128 {
  const codes = v128.and(i16x8.shr_u(v, 4), nibble)
  if (hasFifth(kind)) return v128.or(codes, v128.and(t == 0 ? high : i16x8.shr_u(high, t), mask))
  if (kind == Q6_K) return v128.or(codes, v128.and(t < 2 ? i16x8.shl(high, 4 - 2 * t) : t == 2 ? high : i16x8.shr_u(high, 2), mask))
  return codes
}

/** Codes of columns 4t … 4t+3 (t from 0 to 7) of a quad as bytes; `codes` is the address of the block's codes. */
@inline export function byteCodes(kind: i32, codes: usize, t: i32, quad: i32, nibble: v128, mask: v128): v128 {
  if (isByte(kind)) return v128.load(codes + 32 * t + 16 * quad)
  const v = v128.load(codes + 32 * (t & 3) + 16 * quad)
  if (t < 4) return lowCodes(kind, v, hasFifth(kind) || kind == Q6_K ? v128.load(codes + 128 + 16 * quad) : v, t, nibble, mask)
  return highCodes(kind, v, hasFifth(kind) ? v128.load(codes + 128 + 16 * quad) : kind == Q6_K ? v128.load(codes + 160 + 16 * quad) : v, t - 4, nibble, mask)
}

/** The same widened to i16, of rows 2·pair and 2·pair + 1 of the quad. */
@inline export function wideCodes(kind: i32, codes: usize, t: i32, quad: i32, pair: i32, nibble: v128, mask: v128): v128 {
  if (isByte(kind)) return v128.load8x8_s(codes + 32 * t + 16 * quad + 8 * pair)
  const bytes = byteCodes(kind, codes, t, quad, nibble, mask)
  return pair == 0 ? i16x8.extend_low_i8x16_s(bytes) : i16x8.extend_high_i8x16_s(bytes)
}
