import { type BlockType, f16At } from './block-type.ts'

/**
 * Q6_K, 6.5625 bits a weight: 128 bytes of low nibbles, 64 bytes of high bit pairs, 16 signed scales, f16 d;
 * value = d · scale · (q − 32). Each half of 128 weights is four runs of 32.
 */
export const q6_k: BlockType = {
  id: 'q6_k',
  blockSize: 256,
  blockBytes: 210,
  groupSize: 16,
  hasMinimum: false,
  unpack(bytes, offset, block) {
    const { codes, scales } = block
    const d = f16At(bytes, offset + 208)
    for (let group = 0; group < 16; group++) scales[group] = d * (((bytes[offset + 192 + group] as number) << 24) >> 24)
    for (let i = 0; i < 256; i++) {
      const half = i >> 7
      const run = (i >> 5) & 3
      // Runs 0 and 1 are the low nibbles of 64 bytes, runs 2 and 3 the high ones.
      const low = ((bytes[offset + half * 64 + (i & 63)] as number) >> ((run >> 1) * 4)) & 15
      const high = ((bytes[offset + 128 + half * 32 + (i & 31)] as number) >> (run * 2)) & 3
      codes[i] = (low | (high << 4)) - 32
    }
  },
}
