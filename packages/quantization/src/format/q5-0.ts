import { type BlockType, f16At, u32At } from './block-type.ts'
import { unpackNibbles, unsignedNibbles } from './nibbles.ts'

/** Q5_0, 5.5 bits a weight: f16 scale, 32 high bits, 32 nibbles; value = d · (q − 16). */
export const q5_0: BlockType = {
  id: 'q5_0',
  blockSize: 32,
  blockBytes: 22,
  groupSize: 32,
  hasMinimum: false,
  unpack(bytes, offset, block) {
    block.scales[0] = f16At(bytes, offset)
    unpackFiveBits(bytes, offset + 2, block.codes)
    for (let i = 0; i < 32; i++) block.codes[i] = (block.codes[i] as number) - 16
  },
}

/** 32 codes 0 … 31 from 4 bytes of high bits followed by 16 bytes of nibbles. */
export function unpackFiveBits(bytes: Uint8Array, offset: number, codes: Int8Array): void {
  const high = u32At(bytes, offset)
  unpackNibbles(bytes, offset + 4, unsignedNibbles, codes, 0)
  for (let i = 0; i < 32; i++) codes[i] = (codes[i] as number) | (((high >>> i) & 1) << 4)
}
