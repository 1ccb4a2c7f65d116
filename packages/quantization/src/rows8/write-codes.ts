import { codeOffset, type Rows8Layout } from './layout.ts'

/**
 * Writes the 32 codes of one row of a block, from `codes[from]` on, as they are stored (unsigned, indices of tables, bytes of signed codes).
 * `at` is the offset of the block's codes; they must be zero before.
 */
export function writeCodes(
  storage: Rows8Layout['codes'],
  codes: Uint8Array,
  from: number,
  out: Uint8Array,
  at: number,
  row: number,
): void {
  const first = at + codeOffset(0, row, 0)
  if (storage === 'bytes' || storage === 'e4m3' || storage === 'e5m2') {
    for (let i = 0; i < 32; i++) out[first + 32 * (i >> 2) + (i & 3)] = codes[from + i] as number
    return
  }
  const hasThirds = storage === 'crumbs+1' || storage === 'levels/3'
  if (storage === 'crumbs' || storage === 'levels/2' || hasThirds) {
    for (let i = 0; i < 32; i++) {
      const code = codes[from + i] as number
      const t = i >> 2
      const place = first + 32 * (t >> 2) + (i & 3)
      out[place] = (out[place] as number) | ((code & 3) << (2 * (t & 3)))
      if (hasThirds) out[first + 64 + (i & 3)] = (out[first + 64 + (i & 3)] as number) | ((code >> 2) << t)
    }
    return
  }
  for (let i = 0; i < 16; i++) {
    const low = codes[from + i] as number
    const upper = codes[from + 16 + i] as number
    const t = i >> 2
    out[first + 32 * t + (i & 3)] = (low & 15) | ((upper & 15) << 4)
    const high = first + 128 + (i & 3)
    if (storage === 'nibbles+1') out[high] = (out[high] as number) | ((low >> 4) << t) | ((upper >> 4) << (4 + t))
    else if (storage === 'nibbles+2') {
      out[high] = (out[high] as number) | ((low >> 4) << (2 * t))
      out[high + 32] = (out[high + 32] as number) | ((upper >> 4) << (2 * t))
    }
  }
}
