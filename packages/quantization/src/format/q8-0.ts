import { type BlockType, f16At } from './block-type.ts'

/** Q8_0, 8.5 bits a weight: f16 scale, 32 signed bytes; value = d · q. */
export const q8_0: BlockType = {
  id: 'q8_0',
  blockSize: 32,
  blockBytes: 34,
  groupSize: 32,
  hasMinimum: false,
  unpack(bytes, offset, block) {
    block.scales[0] = f16At(bytes, offset)
    block.codes.set(bytes.subarray(offset + 2, offset + 34))
  },
  decode(bytes, out) {
    for (let at = 0, offset = 0; at < out.length; at += 32, offset += 34) {
      const scale = f16At(bytes, offset)
      for (let i = 0; i < 32; i++) out[at + i] = scale * (((bytes[offset + 2 + i] as number) << 24) >> 24)
    }
  },
}
