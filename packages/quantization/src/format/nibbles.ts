/**
 * 16 bytes to 32 codes: byte i holds code i in its low and code i + 16 in its high nibble; `table` maps nibbles to
 * codes.
 */
export function unpackNibbles(
  bytes: Uint8Array,
  offset: number,
  table: readonly number[],
  codes: Int8Array,
  at: number,
  half = 16,
): void {
  for (let i = 0; i < half; i++) {
    const byte = bytes[offset + i] as number
    codes[at + i] = table[byte & 15] as number
    codes[at + half + i] = table[byte >> 4] as number
  }
}

/**
 * The values of blocks of 32 nibbles, those of a block from byte `head` of its `blockBytes` on: `levelsOf` gives the
 * values of the sixteen codes of a block.
 */
export function decodeNibbleBlocks(
  bytes: Uint8Array,
  blockBytes: number,
  head: number,
  out: Float32Array,
  levelsOf: (offset: number, levels: Float32Array) => void,
): void {
  const levels = new Float32Array(16)
  for (let at = 0, offset = 0; at < out.length; at += 32, offset += blockBytes) {
    levelsOf(offset, levels)
    for (let i = 0; i < 16; i++) {
      const byte = bytes[offset + head + i] as number
      out[at + i] = levels[byte & 15] as number
      out[at + 16 + i] = levels[byte >> 4] as number
    }
  }
}

/** Nibble values as they are. */
export const unsignedNibbles: readonly number[] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
/** Nibble values around zero: n − 8. */
export const centredNibbles: readonly number[] = [-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7]
/** Values of e2m1 (4-bit float) doubled, so that they are integers. OCP Microscaling Formats 1.0. */
export const doubledE2M1: readonly number[] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12]
/** The non-uniform 4-bit levels of IQ4_NL and IQ4_XS (ggml-common.h, `kvalues_iq4nl`). */
export const iq4Levels: readonly number[] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113]
