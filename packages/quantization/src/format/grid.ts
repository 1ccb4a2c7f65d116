/**
 * Points of a grid as codes: `count` points of `width` codes each, stored with `bits` bits a code, lowest first, mapped
 * by `levels`.
 */
export function decodeGrid(data: string, bits: 2 | 4, levels: readonly number[]): Int8Array {
  const binary = atob(data)
  const perByte = 8 / bits
  const codes = new Int8Array(binary.length * perByte)
  for (let i = 0; i < codes.length; i++)
    codes[i] = levels[
      (binary.charCodeAt(Math.floor(i / perByte)) >> ((i % perByte) * bits)) & (2 ** bits - 1)
    ] as number
  return codes
}

/** A value computed at its first use: the grids are decoded only by programs that read the types. */
export function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => (made ??= { value: make() }).value
}

/** The 8 signs of 7 stored bits: the eighth makes the number of minus signs even. */
export function evenSigns(bits: number): number {
  let parity = bits ^ (bits >> 4)
  parity ^= parity >> 2
  parity ^= parity >> 1
  return bits | ((parity & 1) << 7)
}

/** Copies one grid point into the codes, negating those whose bit in `signs` is set. */
export function placePoint(
  grid: Int8Array,
  index: number,
  width: 4 | 8,
  signs: number,
  codes: Int8Array,
  at: number,
): void {
  for (let i = 0; i < width; i++) {
    const code = grid[index * width + i] as number
    codes[at + i] = (signs >> i) & 1 ? -code : code
  }
}

/** Magnitudes of the 2-bit grids. */
export const iq2Levels: readonly number[] = [8, 25, 43, 0]
