import { decodeBF16, decodeF16, encodeBF16, encodeF16, TesseraError } from '@tessera-llm/tensor'
import type { Grid } from '../../quantized-matrix/index.ts'

/** Rounds scales to the type that they are stored in; throws `invalid-value` where one is too large for it. */
export function scaleRounder(type: Grid['scaleType']): (scale: number) => number {
  if (type === 'f32') return Math.fround
  if (type === 'bf16') return (scale) => decodeBF16(encodeBF16(scale))
  return (scale) => {
    const rounded = decodeF16(encodeF16(scale))
    if (Number.isFinite(rounded)) return rounded
    throw new TesseraError('invalid-value', `quantize: the scale ${scale} is too large for f16, which ends at 65504; store scales as f32 or bf16`)
  }
}
