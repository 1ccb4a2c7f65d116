import type { QuantizedMatrix } from './quantized-matrix.ts'

/** Beside the matrices and not in them: one that is spread into another, with other codes, leaves its words behind. */
const wordsOf = new WeakMap<QuantizedMatrix, Uint32Array>()

/**
 * A matrix whose codes of 4 bits are in words, eight to a word and the first in the lowest bits, row after row: its
 * `codes` are made when they are first asked for. The columns are a multiple of 8.
 */
export function matrixOfWords(matrix: Omit<QuantizedMatrix, 'codes'>, words: Uint32Array): QuantizedMatrix {
  let codes: Uint8Array | undefined
  const lazy: QuantizedMatrix = {
    ...matrix,
    get codes() {
      codes ??= unpackCodeWords(words)
      return codes
    },
  }
  wordsOf.set(lazy, words)
  return lazy
}

/** The words of a matrix that `matrixOfWords` made. */
export function codeWordsOf(matrix: QuantizedMatrix): Uint32Array | undefined {
  return wordsOf.get(matrix)
}

/** Codes of 4 bits, a multiple of 8 of them, eight to a word. */
export function packCodeWords(codes: Uint8Array): Uint32Array {
  const words = new Uint32Array(codes.length / 8)
  for (let i = 0, at = 0; i < words.length; i++) {
    let word = 0
    for (let shift = 0; shift < 32; shift += 4) word |= (codes[at++] as number) << shift
    words[i] = word
  }
  return words
}

function unpackCodeWords(words: Uint32Array): Uint8Array {
  const codes = new Uint8Array(8 * words.length)
  // Four codes at a time: the eight of a word in two words of bytes.
  const fours = new Uint32Array(codes.buffer)
  const spread = (half: number): number =>
    (half & 15) | ((half & 0xf0) << 4) | ((half & 0xf00) << 8) | ((half & 0xf000) << 12)
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as number
    fours[2 * i] = spread(word)
    fours[2 * i + 1] = spread(word >>> 16)
  }
  return codes
}
