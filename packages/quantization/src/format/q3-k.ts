import { type BlockType, f16At } from './block-type.ts'
import { unpackTwoBits } from './q2-k.ts'

/**
 * Q3_K, 3.4375 bits a weight: 32 bytes of high bits, 64 bytes of 2-bit codes, 16 scales of 6 bits in 12 bytes, f16 d;
 * value = d · (scale − 32) · q, where a cleared high bit means q − 4.
 */
export const q3_k: BlockType = {
  id: 'q3_k',
  blockSize: 256,
  blockBytes: 110,
  groupSize: 16,
  hasMinimum: false,
  unpack(bytes, offset, block) {
    const { codes, scales } = block
    const d = f16At(bytes, offset + 108)
    for (let group = 0; group < 16; group++) {
      // Low 4 bits: bytes 0 … 7, low nibbles for groups 0 … 7, high for the rest. High 2 bits: bytes 8 … 11, four
      // groups a byte.
      const low = ((bytes[offset + 96 + (group & 7)] as number) >> ((group >> 3) * 4)) & 15
      const high = ((bytes[offset + 104 + (group & 3)] as number) >> ((group >> 2) * 2)) & 3
      scales[group] = d * ((low | (high << 4)) - 32)
    }
    unpackTwoBits(bytes, offset + 32, 4, codes)
    for (let i = 0; i < 256; i++)
      codes[i] = (codes[i] as number) + ((((bytes[offset + (i & 31)] as number) >> (i >> 5)) & 1) << 2)
  },
}
