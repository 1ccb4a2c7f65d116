import { type BlockType, f16At } from './block-type.ts'

/**
 * Q2_K, 2.625 bits a weight: 16 groups of 16 with a 4-bit scale (low nibble) and minimum (high), 64 bytes of 2-bit
 * codes, f16 d, f16 dmin.
 */
export const q2_k: BlockType = {
  id: 'q2_k',
  blockSize: 256,
  blockBytes: 84,
  groupSize: 16,
  hasMinimum: true,
  unpack(bytes, offset, block) {
    const d = f16At(bytes, offset + 80)
    const dmin = f16At(bytes, offset + 82)
    for (let group = 0; group < 16; group++) {
      const packed = bytes[offset + group] as number
      block.scales[group] = d * (packed & 15)
      block.minimums[group] = dmin * (packed >> 4)
    }
    unpackTwoBits(bytes, offset + 16, 0, block.codes)
  },
}

/** 64 bytes to 256 codes minus `zeroPoint`: each 32 bytes hold four runs of 32 codes, lowest bits first. */
export function unpackTwoBits(bytes: Uint8Array, offset: number, zeroPoint: number, codes: Int8Array): void {
  for (let i = 0; i < 256; i++) {
    const byte = bytes[offset + (i >> 7) * 32 + (i & 31)] as number
    codes[i] = ((byte >> (((i >> 5) & 3) * 2)) & 3) - zeroPoint
  }
}
