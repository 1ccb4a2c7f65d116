import { storeF16 } from './f16.ts'
import { extremeOf, f32 } from './rounding.ts'
import type { RowEncoder } from './row-encoder.ts'

/** d = |extreme| / 127; codes are rounded half away from zero. */
export const q8_0Encoder: RowEncoder = {
  id: 'q8_0',
  usesImportance: false,
  encodeRow(values, at, count, _importance, out, offset) {
    for (let end = at + count; at < end; at += 32, offset += 34) {
      const d = f32(Math.abs(extremeOf(values, at, 32)) / 127)
      const inverse = d ? f32(1 / d) : 0
      storeF16(out, offset, d)
      for (let i = 0; i < 32; i++) {
        const scaled = f32((values[at + i] as number) * inverse)
        out[offset + 2 + i] = scaled < 0 ? scaled - 0.5 : scaled + 0.5
      }
    }
  },
}
