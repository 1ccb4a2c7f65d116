/**
 * How codes lie in 32-bit words: code i of a line begins at bit i · bits of the line's stream, lowest bits first, so that codes may straddle
 * words; or, with `perWord`, that many codes to a word and the bits that are left over unused.
 */
export interface WordLayout {
  readonly bits: number
  readonly perWord?: number | undefined
  /** Distance of the words of one line. */
  readonly wordStride: number
  /** Distance of the first words of neighbouring lines. */
  readonly lineStride: number
}

/** Words that a line of `count` codes takes. */
export function wordsFor(count: number, { bits, perWord }: Pick<WordLayout, 'bits' | 'perWord'>): number {
  return perWord === undefined ? Math.ceil((count * bits) / 32) : Math.ceil(count / perWord)
}

/** Codes of `lines` lines of `count`, row-major [lines, count]. */
export function codesFromWords(words: Uint32Array, lines: number, count: number, layout: WordLayout): Uint8Array {
  const { bits, perWord, wordStride, lineStride } = layout
  const mask = 2 ** bits - 1
  const out = new Uint8Array(lines * count)
  for (let i = 0; i < count; i++) {
    const bit = perWord === undefined ? i * bits : 32 * Math.floor(i / perWord) + (i % perWord) * bits
    const shift = bit & 31
    const at = (bit >>> 5) * wordStride
    const straddles = shift + bits > 32
    for (let line = 0; line < lines; line++) {
      let code = (words[at + line * lineStride] as number) >>> shift
      if (straddles) code |= (words[at + wordStride + line * lineStride] as number) << (32 - shift)
      out[line * count + i] = code & mask
    }
  }
  return out
}

/** The inverse of `codesFromWords`; `words` are zero before. */
export function codesToWords(codes: ArrayLike<number>, lines: number, count: number, layout: WordLayout, words: Uint32Array): void {
  const { bits, perWord, wordStride, lineStride } = layout
  for (let i = 0; i < count; i++) {
    const bit = perWord === undefined ? i * bits : 32 * Math.floor(i / perWord) + (i % perWord) * bits
    const shift = bit & 31
    const at = (bit >>> 5) * wordStride
    for (let line = 0; line < lines; line++) {
      const code = codes[line * count + i] as number
      const place = at + line * lineStride
      words[place] = (words[place] as number) | (code << shift)
      if (shift + bits > 32) words[place + wordStride] = (words[place + wordStride] as number) | (code >>> (32 - shift))
    }
  }
}

/** [rows, columns] to [columns, rows]. */
export function transpose<T extends Float32Array | Uint8Array>(values: T, rows: number, columns: number): T {
  const out = values.slice() as T
  for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) out[column * rows + row] = values[row * columns + column] as number
  return out
}
