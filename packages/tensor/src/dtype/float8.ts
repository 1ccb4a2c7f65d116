import { roundHalfEven } from './float16.ts'

/** Value of an OCP fp8 e4m3 ("fn") byte: maximum 448, no infinity, 0x7f and 0xff are NaN. */
export function decodeFp8E4M3(bits: number): number {
  const sign = bits & 0x80 ? -1 : 1
  const exponent = (bits >> 3) & 15
  const fraction = bits & 7
  if (exponent === 15 && fraction === 7) return Number.NaN
  return exponent === 0 ? sign * fraction * 2 ** -9 : sign * (1 + fraction / 8) * 2 ** (exponent - 7)
}

/** Value of an OCP fp8 e5m2 byte: IEEE-like, with infinities and NaN. */
export function decodeFp8E5M2(bits: number): number {
  const sign = bits & 0x80 ? -1 : 1
  const exponent = (bits >> 2) & 31
  const fraction = bits & 3
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
  return exponent === 0 ? sign * fraction * 2 ** -16 : sign * (1 + fraction / 4) * 2 ** (exponent - 15)
}

/** Nearest e4m3 byte, ties to even; values beyond 464 (and infinities) become NaN, as a raw cast does. */
export function encodeFp8E4M3(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x80 : 0
  const magnitude = Math.abs(value)
  if (!(magnitude <= 464)) return sign | 0x7f
  const code = encodeMinifloat(magnitude, 3, 7)
  return sign | code
}

/** Nearest e5m2 byte, ties to even; overflow becomes infinity. */
export function encodeFp8E5M2(value: number): number {
  if (Number.isNaN(value)) return 0x7f
  const sign = value < 0 || Object.is(value, -0) ? 0x80 : 0
  const magnitude = Math.abs(value)
  if (magnitude >= 61440) return sign | 0x7c
  return sign | encodeMinifloat(magnitude, 2, 15)
}

function encodeMinifloat(magnitude: number, fractionBits: number, bias: number): number {
  const steps = 2 ** fractionBits
  const smallestNormal = 2 ** (1 - bias)
  if (magnitude < smallestNormal) return roundHalfEven((magnitude / smallestNormal) * steps)
  let exponent = Math.floor(Math.log2(magnitude))
  if (2 ** exponent > magnitude) exponent -= 1
  return (exponent + bias) * steps + roundHalfEven((magnitude / 2 ** exponent - 1) * steps)
}
