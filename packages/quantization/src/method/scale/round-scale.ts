import { decodeBF16, decodeF16, encodeBF16, encodeF16, TesseraError } from '@tessera-llm/tensor'
import type { Grid } from '../../quantized-matrix/index.ts'

/** Rounds scales to the type that they are stored in; throws `invalid-value` where one is too large for it. */
export function scaleRounder(type: Grid['scaleType']): (scale: number) => number {
  if (type === 'f32') return Math.fround
  // 2 to the floor of log2(extreme) − 2 for e2m1, whose largest value is 6: 1.5 is what 4 falls short of it.
  if (type === 'e8m0') return (scale) => 2 ** Math.max(-127, Math.min(Math.floor(Math.log2(1.5 * scale)), 127))
  if (type === 'bf16') return (scale) => decodeBF16(encodeBF16(scale))
  return (scale) => {
    const rounded = decodeF16(encodeF16(scale))
    if (Number.isFinite(rounded)) return rounded
    throw new TesseraError(
      'invalid-value',
      `quantize: the scale ${scale} is too large for f16, which ends at 65504; store scales as f32 or bf16`,
    )
  }
}
