import type { BlockType } from './block-type.ts'
import { doubledE2M1, unpackNibbles } from './nibbles.ts'

/**
 * NVFP4, 4.5 bits a weight: 4 groups of 16, each with an unsigned e4m3 scale byte; value = scale / 2 · doubled e2m1.
 */
export const nvfp4: BlockType = {
  id: 'nvfp4',
  blockSize: 64,
  blockBytes: 36,
  groupSize: 16,
  hasMinimum: false,
  unpack(bytes, offset, block) {
    for (let group = 0; group < 4; group++) {
      block.scales[group] = decodeUE4M3(bytes[offset + group] as number) / 2
      unpackNibbles(bytes, offset + 4 + group * 8, doubledE2M1, block.codes, group * 16, 8)
    }
  },
}

/** Exponent bias 7, no sign bit in use; ggml reads the NaN pattern 0x7f as 0. */
export function decodeUE4M3(bits: number): number {
  const exponent = (bits >> 3) & 15
  const fraction = bits & 7
  if (bits === 0x7f) return 0
  return exponent === 0 ? fraction * 2 ** -9 : (1 + fraction / 8) * 2 ** (exponent - 7)
}
