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
  // Bits of a word that hold codes; those of a word in which codes straddle are all of them.
  const used = perWord === undefined ? 32 : perWord * bits
  for (let line = 0; line < lines; line++) {
    let place = line * lineStride
    let word = 0
    let shift = 0
    for (let i = line * count; i < (line + 1) * count; i++) {
      const code = codes[i] as number
      word |= code << shift
      shift += bits
      if (shift < used) continue
      words[place] = word
      place += wordStride
      shift -= used
      word = shift === 0 ? 0 : code >>> (bits - shift)
    }
    if (shift > 0) words[place] = word
  }
}

/** [rows, columns] to [columns, rows]. */
export function transpose<T extends Float32Array | Uint8Array>(values: T, rows: number, columns: number): T {
  const out = values.slice() as T
  for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) out[column * rows + row] = values[row * columns + column] as number
  return out
}
