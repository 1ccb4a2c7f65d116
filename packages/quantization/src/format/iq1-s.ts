import { type BlockType, f16At, u16At } from './block-type.ts'
import { decodeGrid, lazy } from './grid.ts'
import { iq1Grid } from './grid-data.ts'

/** Grid points times 8, so that the shift by ±1/8 keeps them integers. */
const grid = lazy(() => decodeGrid(iq1Grid, 2, [-8, 0, 8, 0]))

/**
 * IQ1_S, 1.5625 bits a weight: f16 d, 32 low index bytes, 8 u16 of four 3-bit high indices, a 3-bit scale and the sign
 * of the shift; value = d · (2 s + 1) · (ternary ± 1/8), kept as d · (2 s + 1) / 8 times an integer.
 */
export const iq1_s: BlockType = {
  id: 'iq1_s',
  blockSize: 256,
  blockBytes: 50,
  groupSize: 32,
  hasMinimum: false,
  unpack(bytes, offset, block) {
    const d = f16At(bytes, offset)
    for (let group = 0; group < 8; group++) {
      const word = u16At(bytes, offset + 34 + group * 2)
      block.scales[group] = (d * (2 * ((word >> 12) & 7) + 1)) / 8
      const shift = word & 0x8000 ? -1 : 1
      for (let n = 0; n < 4; n++) {
        const index = (bytes[offset + 2 + group * 4 + n] as number) | (((word >> (3 * n)) & 7) << 8)
        placeShifted(index, shift, block.codes, group * 32 + n * 8)
      }
    }
  },
}

/** Copies one point of IQ1_S's grid into the codes, shifted by ±1/8 of its unit. */
export function placeShifted(index: number, shift: 1 | -1, codes: Int8Array, at: number): void {
  const points = grid()
  for (let i = 0; i < 8; i++) codes[at + i] = (points[index * 8 + i] as number) + shift
}
