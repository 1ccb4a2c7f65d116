/**
 * How codes lie in 32-bit words: code i of a line begins at bit i · bits of the line's stream, lowest bits first, so
 * that codes may straddle words; or, with `perWord`, that many codes to a word and the bits that are left over unused.
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

/** The inverse of `codesFromWords`: `size` words, zero where no codes are. */
export function codesToWords(
  codes: ArrayLike<number>,
  lines: number,
  count: number,
  layout: WordLayout,
  size: number,
): Uint32Array {
  const { bits, perWord, wordStride, lineStride } = layout
  const words = new Uint32Array(size)
  if (bits === 4 && count % 8 === 0 && codes instanceof Uint8Array && codes.byteOffset % 4 === 0)
    return nibblesToWords(codes, lines, count / 8, layout, words)
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
  return words
}

/** The same for whole words of eight codes, of which four are read at a time. */
function nibblesToWords(
  codes: Uint8Array,
  lines: number,
  perLine: number,
  { wordStride, lineStride }: WordLayout,
  words: Uint32Array,
): Uint32Array {
  const fours = new Uint32Array(codes.buffer, codes.byteOffset, codes.length >> 2)
  const gathered = (four: number): number =>
    (four & 15) | ((four >>> 4) & 0xf0) | ((four >>> 8) & 0xf00) | ((four >>> 12) & 0xf000)
  for (let line = 0, from = 0; line < lines; line++) {
    for (let i = 0, place = line * lineStride; i < perLine; i++, place += wordStride, from += 2)
      words[place] = gathered(fours[from] as number) | (gathered(fours[from + 1] as number) << 16)
  }
  return words
}

/** Rows and columns that a transposition takes at a time: what it reads and writes stays in the cache. */
const tile = 16

/** [rows, columns] to [columns, rows]. */
export function transpose<T extends Float32Array | Uint8Array | Uint32Array>(
  values: T,
  rows: number,
  columns: number,
): T {
  const out = new (values.constructor as new (length: number) => T)(values.length)
  for (let top = 0; top < rows; top += tile) {
    const bottom = Math.min(top + tile, rows)
    for (let left = 0; left < columns; left += tile) {
      const right = Math.min(left + tile, columns)
      for (let column = left; column < right; column++)
        for (let row = top; row < bottom; row++) out[column * rows + row] = values[row * columns + column] as number
    }
  }
  return out
}
