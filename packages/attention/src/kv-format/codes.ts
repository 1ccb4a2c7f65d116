import { decodeF16, decodeFp8E4M3, encodeF16, encodeFp8E4M3 } from '@tessera-llm/tensor'

/*
 * Rounding of numbers to codes, with one result on every device. No quotient decides, because GPUs round quotients
 * differently: a code is the c with (c − ½) · scale ≤ x < (c + ½) · scale, and scales have so few digits that these
 * products are exact.
 */

const { fround } = Math
const view = new DataView(new ArrayBuffer(4))

/** Rows with a smaller maximum become zeros: GPUs may flush smaller scales to 0. */
const smallest = 2 ** -100

/** Scale of an int8 row: largest / 127, rounded up to 15 binary digits. */
export function int8Scale(largest: number): number {
  if (!(largest >= smallest)) return 0
  view.setFloat32(0, fround(largest * fround(1 / 127)))
  view.setUint32(0, (view.getUint32(0) + 0x1ff) & ~0x1ff)
  return view.getFloat32(0)
}

/** Scale of an fp8 row: the power of two that brings the largest magnitude to 128 … 256. */
export function fp8Scale(largest: number): number {
  if (!(largest >= smallest)) return 0
  view.setFloat32(0, largest)
  return 2 ** ((view.getUint32(0) >>> 23) - 127 - 7)
}

/** Code of x in an int8 row: −127 … 127. */
export function encodeInt8(x: number, scale: number): number {
  return scale === 0 ? 0 : Math.max(-127, nearestCode(x, scale, 127))
}

/** OCP e4m3 code of x / scale, ties to even. */
export function encodeFp8(x: number, scale: number): number {
  return scale === 0 ? 0 : encodeFp8E4M3(x / scale)
}

/** Value of an OCP e4m3 code, without the row's scale. */
export const decodeFp8: (bits: number) => number = decodeFp8E4M3

/** Minimum and scale of a group, as f16 bits; `elements` are f16 numbers. */
export function groupParameters(
  elements: readonly number[],
  bits: number,
): { readonly minimum: number; readonly scale: number } {
  const [minimum, maximum] = [Math.min(...elements), Math.max(...elements)]
  const bitsOfMinimum = encodeF16(minimum)
  // Normalizes −0, because devices differ in which zero is smaller.
  return {
    minimum: (bitsOfMinimum & 0x7fff) === 0 ? 0 : bitsOfMinimum,
    scale: encodeF16(fround(fround(maximum - minimum) * fround(1 / (2 ** bits - 1)))),
  }
}

/** Code of x in a group, 0 … 2^bits − 1. */
export function encodeGroupElement(x: number, minimum: number, scale: number, bits: number): number {
  const step = decodeF16(scale)
  return step === 0 ? 0 : Math.max(0, nearestCode(fround(x - decodeF16(minimum)), step, 2 ** bits - 1))
}

/** Value of a group's code. */
export function decodeGroupElement(code: number, minimum: number, scale: number): number {
  return decodeF16(minimum) + code * decodeF16(scale)
}

/** ⌊x / scale + ½⌋, at most `largest`. */
function nearestCode(x: number, scale: number, largest: number): number {
  let code = Math.round(x / scale)
  if (x < (code - 0.5) * scale) code -= 1
  else if (x >= (code + 0.5) * scale) code += 1
  return Math.min(largest, code)
}
