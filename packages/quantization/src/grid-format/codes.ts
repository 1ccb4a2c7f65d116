/** Bytes of a row of `count` codes of `bits` bits: rows begin with whole bytes. */
export function codeRowBytes(count: number, bits: number): number {
  return Math.ceil((count * bits) / 8)
}

/**
 * Rows of codes as a stream of bits, lowest first: code i of a row takes the bits from i · bits on of its little-endian
 * bytes. So two 4-bit codes share a byte, the first in the low nibble, and eight 3-bit codes take three bytes.
 */
export function packCodes(codes: Uint8Array, rows: number, columns: number, bits: number): Uint8Array {
  if (bits === 8) return codes.slice()
  const rowBytes = codeRowBytes(columns, bits)
  const out = new Uint8Array(rows * rowBytes)
  for (let row = 0; row < rows; row++) {
    let held = 0
    let have = 0
    let at = row * rowBytes
    for (let i = row * columns; i < (row + 1) * columns; i++) {
      held |= (codes[i] as number) << have
      have += bits
      if (have < 8) continue
      out[at++] = held
      held >>= 8
      have -= 8
    }
    if (have > 0) out[at] = held
  }
  return out
}

/** One code a byte, as `packCodes` took them. */
export function unpackCodes(packed: Uint8Array, rows: number, columns: number, bits: number): Uint8Array {
  if (bits === 8) return packed.slice(0, rows * columns)
  const rowBytes = codeRowBytes(columns, bits)
  const out = new Uint8Array(rows * columns)
  const mask = 2 ** bits - 1
  for (let row = 0; row < rows; row++) {
    let held = 0
    let have = 0
    let at = row * rowBytes
    for (let i = row * columns; i < (row + 1) * columns; i++) {
      if (have < bits) {
        held |= (packed[at++] as number) << have
        have += 8
      }
      out[i] = held & mask
      held >>= bits
      have -= bits
    }
  }
  return out
}
