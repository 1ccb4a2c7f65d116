import { storeF16 } from './f16.ts'
import { extremeOf, f32 } from './rounding.ts'
import type { RowEncoder } from './row-encoder.ts'
import { packTwoBits } from './two-bits.ts'

/** d = |extreme|; five ternary digits to a byte, as a base-3 fraction of 256 rounded up. */
export const tq1_0Encoder: RowEncoder = {
  id: 'tq1_0',
  usesImportance: false,
  encodeRow(values, at, count, _importance, out, offset, { codes }) {
    for (let end = at + count; at < end; at += 256, offset += 54) {
      storeF16(out, offset + 52, ternaryCodes(values, at, codes))
      let from = 0
      for (const { start, width, digits } of runs) {
        for (let i = 0; i < width; i++) {
          let fraction = 0
          for (let n = 0; n < 5; n++)
            fraction = 3 * fraction + (n < digits ? (codes[from + n * width + i] as number) : 0)
          out[offset + start + i] = Math.ceil((fraction * 256) / 243)
        }
        from += width * digits
      }
    }
  },
}

/** First byte, bytes, and digits in each byte. */
const runs = [
  { start: 0, width: 32, digits: 5 },
  { start: 32, width: 16, digits: 5 },
  { start: 48, width: 4, digits: 4 },
] as const

/** d = |extreme|; codes of two bits. */
export const tq2_0Encoder: RowEncoder = {
  id: 'tq2_0',
  usesImportance: false,
  encodeRow(values, at, count, _importance, out, offset, { codes }) {
    for (let end = at + count; at < end; at += 256, offset += 66) {
      storeF16(out, offset + 64, ternaryCodes(values, at, codes))
      packTwoBits(codes, out, offset)
    }
  },
}

/** Codes 0, 1, 2 of the 256 values nearest to −d, 0, d (halves go outwards); returns d. */
function ternaryCodes(values: Float32Array, at: number, codes: Uint8Array): number {
  const d = Math.abs(extremeOf(values, at, 256))
  const inverse = d ? f32(1 / d) : 0
  for (let i = 0; i < 256; i++) {
    const scaled = f32((values[at + i] as number) * inverse)
    codes[i] = scaled >= 0.5 ? 2 : scaled <= -0.5 ? 0 : 1
  }
  return d
}
