import { type BlockType, f16At } from './block-type.ts'

/**
 * TQ1_0, 1.6875 bits a weight: ternary codes, five to a byte as a base-3 fraction of 256 (four in the last 4 bytes),
 * f16 d. Digit n of a byte is the integer part of 3 · frac(byte · 3^n / 256).
 */
export const tq1_0: BlockType = {
  id: 'tq1_0',
  blockSize: 256,
  blockBytes: 54,
  groupSize: 32,
  hasMinimum: false,
  unpack(bytes, offset, block) {
    block.scales.fill(f16At(bytes, offset + 52))
    let at = 0
    for (const [start, width, digits] of runs) {
      for (let n = 0; n < digits; n++) {
        for (let i = 0; i < width; i++)
          block.codes[at++] = (((((bytes[offset + start + i] as number) * 3 ** n) & 255) * 3) >> 8) - 1
      }
    }
  },
}

/** First byte, bytes, and digits in each byte. */
const runs = [
  [0, 32, 5],
  [32, 16, 5],
  [48, 4, 4],
] as const
