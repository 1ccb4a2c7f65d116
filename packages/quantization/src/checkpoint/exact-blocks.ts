import { bytesOf, decodeF16, encodeElements, encodeF16 } from '@tessera-llm/tensor'
import { type Grid, groupColumns, groupsPerRow, type QuantizedMatrix } from '../quantized-matrix/index.ts'

/** ggml types whose blocks hold integers around zero, and the least of them. */
const blockTypes = [
  ['q4_0', 8],
  ['q5_0', 16],
  ['q8_0', 128],
] as const

/** A ggml block type in which codes of a checkpoint's layout can be stored without loss. */
export type ExactBlockType = (typeof blockTypes)[number][0]

/**
 * The ggml type whose blocks hold a matrix of this grid without changing a value, where there is one: groups of whole
 * blocks of 32, f16 scales, and differences of codes and integer zeros that the type's codes reach. So 4-bit integers
 * with zeros go to q5_0, without to q4_0.
 */
export function exactBlockType(grid: Grid, columns: number, hasColumnGroups: boolean): ExactBlockType | undefined {
  if (grid.kind !== 'integer' || hasColumnGroups || columns % 32 !== 0) return undefined
  const width = groupColumns(grid, columns)
  if (width !== columns && width % 32 !== 0) return undefined
  const least = grid.isSymmetric ? 2 ** (grid.bits - 1) : 2 ** grid.bits - 1
  return blockTypes.find(([, reach]) => (grid.isSymmetric ? least <= reach : least < reach))?.[0]
}

/** Whether scales are values of f16, as those of blocks are. */
export function areHalves(scales: Float32Array): boolean {
  return scales.every((scale) => decodeF16(encodeF16(scale)) === scale)
}

/** The blocks of a matrix for which `exactBlockType` gave `type`; zeros are integers and scales values of f16. */
export function exactBlocks(
  { shape: [rows, columns], grid, codes, scales, zeros }: QuantizedMatrix,
  type: ExactBlockType,
): Uint8Array {
  const blockBytes = type === 'q4_0' ? 18 : type === 'q5_0' ? 22 : 34
  const out = new Uint8Array(((rows * columns) / 32) * blockBytes)
  const halves = bytesOf(encodeElements(scales, 'f16'))
  const groups = groupsPerRow(grid, columns)
  const width = groupColumns(grid, columns)
  const middle = grid.kind === 'integer' ? 2 ** (grid.bits - 1) : 0
  const reach = type === 'q4_0' ? 8 : type === 'q5_0' ? 16 : 0
  for (let row = 0, at = 0, from = 0; row < rows; row++) {
    for (let column = 0; column < columns; column += 32, at += blockBytes, from += 32) {
      const index = grid.group === 'tensor' ? 0 : row * groups + Math.floor(column / width)
      const shift = reach - (zeros ? (zeros[index] as number) : middle)
      out[at] = halves[2 * index] as number
      out[at + 1] = halves[2 * index + 1] as number
      if (reach === 0) {
        for (let i = 0; i < 32; i++) out[at + 2 + i] = (codes[from + i] as number) + shift
        continue
      }
      const nibbles = at + blockBytes - 16
      for (let i = 0; i < 16; i++) {
        const low = (codes[from + i] as number) + shift
        const high = (codes[from + 16 + i] as number) + shift
        out[nibbles + i] = (low & 15) | ((high & 15) << 4)
        if (type === 'q4_0') continue
        out[at + 2 + (i >> 3)] = (out[at + 2 + (i >> 3)] as number) | ((low >> 4) << (i & 7))
        out[at + 4 + (i >> 3)] = (out[at + 4 + (i >> 3)] as number) | ((high >> 4) << (i & 7))
      }
    }
  }
  return out
}
