import { decodeUE4M3 } from '../nvfp4.ts'
import { extremeOf, f32 } from './rounding.ts'
import type { RowEncoder } from './row-encoder.ts'

/** The exponent that sends the extreme to 4 … 8 of e2m1, whose largest value is 6. OCP Microscaling Formats 1.0. */
export const mxfp4Encoder: RowEncoder = {
  id: 'mxfp4',
  usesImportance: false,
  encodeRow(values, at, count, _importance, out, offset) {
    for (let end = at + count; at < end; at += 32, offset += 17) {
      const largest = Math.abs(extremeOf(values, at, 32))
      const exponent = largest > 0 ? Math.max(0, Math.floor(f32(Math.log2(largest))) + 125) : 0
      out[offset] = exponent
      packE2M1(values, at, 16, 2 ** (exponent - 128), out, offset + 1)
    }
  },
}

/** For each 16 values a scale in e4m3 that sends the extreme to 6, the largest of e2m1. */
export const nvfp4Encoder: RowEncoder = {
  id: 'nvfp4',
  usesImportance: false,
  encodeRow(values, at, count, _importance, out, offset) {
    for (let end = at + count; at < end; at += 64, offset += 36) {
      for (let group = 0; group < 4; group++) {
        const code = encodeUE4M3(f32(Math.abs(extremeOf(values, at + 16 * group, 16)) / 6))
        out[offset + group] = code
        packE2M1(values, at + 16 * group, 8, decodeUE4M3(code) / 2, out, offset + 4 + 8 * group)
      }
    }
  },
}

/** 2 · half values to half bytes, value i low and value i + half high; `unit` is the value of a half of e2m1's 1. */
function packE2M1(values: Float32Array, at: number, half: 8 | 16, unit: number, out: Uint8Array, offset: number): void {
  for (let i = 0; i < half; i++)
    out[offset + i] = e2m1Code(values[at + i] as number, unit) | (e2m1Code(values[at + half + i] as number, unit) << 4)
}

/**
 * The code of the nearest value, the smaller of two. Multiples of the unit are exact, so that comparing with the
 * middles is.
 */
function e2m1Code(value: number, unit: number): number {
  const x = Math.abs(value)
  if (unit === 0 || x <= 0.5 * unit) return 0
  const magnitude =
    x <= 2.5 * unit
      ? x <= 1.5 * unit
        ? 1
        : 2
      : x <= 5 * unit
        ? x <= 3.5 * unit
          ? 3
          : 4
        : x <= 7 * unit
          ? 5
          : x <= 10 * unit
            ? 6
            : 7
  return value < 0 ? magnitude | 8 : magnitude
}

/**
 * The nearest e4m3 byte without a sign, the larger of two. As in ggml, what rounds to 256 or more becomes 448 (0x7e).
 */
function encodeUE4M3(value: number): number {
  if (value === 0) return 0
  if (value < 2 ** -6) return Math.min(Math.floor(value * 512 + 0.5), 7)
  const exponent = Math.floor(Math.log2(value))
  const code = (exponent + 7) * 8 + Math.floor((value / 2 ** exponent - 1) * 8 + 0.5)
  return code < 0x78 ? code : 0x7e
}
