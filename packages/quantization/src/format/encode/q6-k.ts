import { storeF16 } from './f16.ts'
import { extremeOf, f32, nearestEven } from './rounding.ts'
import type { RowEncoder } from './row-encoder.ts'
import { negligible, searchScale, signedCode } from './search-scale.ts'

/**
 * The best of 19 scales for each group of 16, whose values weigh their squares, or the importance as it is; d = the
 * largest scale / −128.
 */
export const q6_kEncoder: RowEncoder = {
  id: 'q6_k',
  usesImportance: true,
  encodeRow(values, at, count, importance, out, offset, { codes, scales, weights }) {
    for (let column = 0; column < count; column += 256, at += 256, offset += 210) {
      for (let group = 0; group < 16; group++) {
        const start = 16 * group
        if (importance) for (let i = 0; i < 16; i++) weights[i] = importance[column + start + i] as number
        scales[group] = searchScale(values, at + start, 16, 32, importance ? weights : undefined, codes, start)
      }
      const largest = extremeOf(scales, 0, 16)
      if (Math.abs(largest) < f32(negligible)) continue
      const inverse = f32(-128 / largest)
      const d = storeF16(out, offset + 208, f32(1 / inverse))
      for (let group = 0; group < 16; group++) {
        const scaleCode = Math.min(nearestEven(f32(inverse * (scales[group] as number))), 127)
        out[offset + 192 + group] = scaleCode
        const scale = f32(d * scaleCode)
        if (scale === 0) continue
        for (let i = 16 * group; i < 16 * group + 16; i++)
          codes[i] = signedCode(f32((values[at + i] as number) / scale), 32) + 32
      }
      packSixBits(codes, out, offset)
    }
  },
}

/** 256 codes 0 … 63 to 128 bytes of nibbles and 64 bytes of bit pairs, in halves of four runs of 32. */
function packSixBits(codes: Uint8Array, out: Uint8Array, offset: number): void {
  for (let i = 0; i < 64; i++) {
    const half = i >> 5
    const at = 128 * half + (i & 31)
    const [a, b, c, d] = [
      codes[at] as number,
      codes[at + 32] as number,
      codes[at + 64] as number,
      codes[at + 96] as number,
    ]
    const low = offset + 64 * half + (i & 31)
    out[low] = (a & 15) | ((c & 15) << 4)
    out[low + 32] = (b & 15) | ((d & 15) << 4)
    out[offset + 128 + i] = (a >> 4) | ((b >> 4) << 2) | ((c >> 4) << 4) | ((d >> 4) << 6)
  }
}
