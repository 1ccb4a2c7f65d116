import { decodeF16 } from '@tessera-llm/tensor'
import { type BlockType, u16At } from './block-type.ts'
import { placeShifted } from './iq1-s.ts'

/**
 * IQ1_M, 1.75 bits a weight: 32 low index bytes, 16 bytes of two nibbles (3 high index bits, sign of the shift), 4 u16
 * of four 3-bit scales and, in their top nibbles, the f16 d; otherwise as IQ1_S, with a scale for each 16 weights.
 */
export const iq1_m: BlockType = {
  id: 'iq1_m',
  blockSize: 256,
  blockBytes: 56,
  groupSize: 16,
  hasMinimum: false,
  unpack(bytes, offset, block) {
    let bits = 0
    for (let i = 0; i < 4; i++) bits |= (u16At(bytes, offset + 48 + i * 2) >> 12) << (4 * i)
    const d = decodeF16(bits)
    for (let group = 0; group < 16; group++) {
      const scale = (u16At(bytes, offset + 48 + (group >> 2) * 2) >> (3 * (group & 3))) & 7
      block.scales[group] = (d * (2 * scale + 1)) / 8
    }
    for (let n = 0; n < 32; n++) {
      const nibble = ((bytes[offset + 32 + (n >> 1)] as number) >> ((n & 1) * 4)) & 15
      placeShifted((bytes[offset + n] as number) | ((nibble & 7) << 8), nibble & 8 ? -1 : 1, block.codes, n * 8)
    }
  },
}
