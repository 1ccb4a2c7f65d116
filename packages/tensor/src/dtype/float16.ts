// IEEE 754 binary16 and bfloat16 by bit arithmetic; rounding is to nearest, ties to even.

const floatBits = new Float32Array(1)
const intBits = new Uint32Array(floatBits.buffer)

/** Value of a binary16 bit pattern (0 … 0xffff). */
export function decodeF16(bits: number): number {
  const magnitude = bits & 0x7fff
  if (magnitude > 0x7c00) return Number.NaN
  // Shifted into f32 position, the exponent is too small by 112, subnormals included; the product is exact.
  intBits[0] = magnitude << 13
  const value = magnitude === 0x7c00 ? Number.POSITIVE_INFINITY : (floatBits[0] as number) * 2 ** 112
  return bits & 0x8000 ? -value : value
}

/** Binary16 bit pattern nearest to `value`; overflow becomes infinity. */
export function encodeF16(value: number): number {
  // A double goes to f16 directly: going through f32 first would round twice.
  if (Number.isNaN(value)) return 0x7e00
  floatBits[0] = value
  if (floatBits[0] === value) return halfOfBits(intBits[0] as number)
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0
  const magnitude = Math.abs(value)
  if (magnitude >= 65520) return sign | 0x7c00
  if (magnitude < 2 ** -14) return sign | roundHalfEven(magnitude * 2 ** 24)
  let exponent = Math.floor(Math.log2(magnitude))
  if (2 ** exponent > magnitude) exponent -= 1
  else if (2 ** (exponent + 1) <= magnitude) exponent += 1
  // A fraction that rounds up to 1024 carries into the exponent by plain addition.
  return sign | (((exponent + 15) << 10) + roundHalfEven((magnitude / 2 ** exponent - 1) * 1024))
}

/** Binary16 of an f32 that is not NaN, from its bits. */
function halfOfBits(bits: number): number {
  const sign = (bits >>> 16) & 0x8000
  const magnitude = bits & 0x7fffffff
  // From 65520 on the nearest value is infinity; below 2^-14, f16 is subnormal.
  if (magnitude >= 0x477ff000) return sign | 0x7c00
  if (magnitude < 0x38800000) {
    intBits[0] = magnitude
    return sign | roundHalfEven((floatBits[0] as number) * 2 ** 24)
  }
  // Rebiases the exponent from 127 to 15; a fraction that rounds up carries into it.
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13)
}

/** Value of a bfloat16 bit pattern. */
export function decodeBF16(bits: number): number {
  intBits[0] = bits << 16
  return floatBits[0] as number
}

/** Bfloat16 bit pattern nearest to the f32 rounding of `value`. */
export function encodeBF16(value: number): number {
  floatBits[0] = value
  const bits = intBits[0] as number
  if ((bits & 0x7fffffff) > 0x7f800000) return ((bits >>> 16) | 0x40) & 0xffff
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16) & 0xffff
}

/** Nearest integer of a non-negative number, ties to even. */
export function roundHalfEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  if (rest > 0.5) return floor + 1
  if (rest < 0.5) return floor
  return floor % 2 === 0 ? floor : floor + 1
}
