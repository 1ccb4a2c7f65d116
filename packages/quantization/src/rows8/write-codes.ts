import { codeOffset, type Rows8Layout } from './layout.ts'

/** Words from one vector of a row to the next. */
const vector = 8

/**
 * Writes the 32 codes of one row of a block as they are stored (unsigned, indices of tables, bytes of signed codes).
 *
 * @param words 32 codes of one byte each, as 8 little-endian words from `words[from]` on
 * @param out the packed weight; the codes' words are replaced
 * @param at byte offset of the block's codes, a multiple of 4
 */
export function writeCodes(
  storage: Rows8Layout['codes'],
  words: Uint32Array,
  from: number,
  out: Uint32Array,
  at: number,
  row: number,
): void {
  const first = (at + codeOffset(0, row, 0)) >> 2
  const w = (t: number): number => words[from + t] as number
  switch (storage) {
    case 'bytes':
    case 'e4m3':
    case 'e5m2':
      for (let t = 0; t < 8; t++) out[first + vector * t] = w(t)
      return
    case 'crumbs':
    case 'levels/2':
      for (let u = 0; u < 2; u++)
        out[first + vector * u] = w(4 * u) | (w(4 * u + 1) << 2) | (w(4 * u + 2) << 4) | (w(4 * u + 3) << 6)
      return
    case 'octals':
    case 'levels/3':
      out[first] = w(0) | (w(1) << 3) | ((w(6) & 0x03030303) << 6)
      out[first + vector] = w(2) | (w(3) << 3) | ((w(7) & 0x03030303) << 6)
      out[first + 2 * vector] = w(4) | (w(5) << 3) | ((w(6) & 0x04040404) << 4) | ((w(7) & 0x04040404) << 5)
      return
    default:
      for (let t = 0; t < 4; t++) out[first + vector * t] = (w(t) & 0x0f0f0f0f) | ((w(4 + t) & 0x0f0f0f0f) << 4)
  }
  if (storage === 'nibbles+1') {
    let high = 0
    for (let t = 0; t < 8; t++) high |= ((w(t) >>> 4) & 0x01010101) << t
    out[first + 4 * vector] = high
  } else if (storage === 'nibbles+2') {
    for (let half = 0; half < 2; half++) {
      let high = 0
      for (let t = 0; t < 4; t++) high |= ((w(4 * half + t) >>> 4) & 0x03030303) << (2 * t)
      out[first + (4 + half) * vector] = high
    }
  }
}
