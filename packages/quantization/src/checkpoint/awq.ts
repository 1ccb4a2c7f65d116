import { groupsPerRow, type QuantizedMatrix } from '../quantized-matrix/index.ts'
import { firstOddZero, groupOf, integerMatrix, zerosOf } from './matrix.ts'
import {
  cannotStore,
  checkShape,
  floatsOf,
  invalidWeight,
  partFrom,
  partNamed,
  type StoredParts,
  wordsOf,
  wordsPart,
} from './parts.ts'
import { transpose } from './words.ts'

/** The output that each nibble of a word belongs to, lowest nibble first. */
const nibbleOrder = [0, 2, 4, 6, 1, 3, 5, 7] as const

/**
 * Reads a weight [N, K] of AWQ's GEMM layout (AutoAWQ): `qweight` i32 [K, N / 8], eight outputs to a word with the even
 * ones in its low half; `qzeros` i32 [G, N / 8] likewise; `scales` [G, N]. 4 bits.
 *
 * @param skipCodes leaves the codes empty and does not look at `qweight` but for its shape
 * @throws TesseraError `invalid-file` naming layer and part
 */
export function readAwq(layer: string, parts: StoredParts, groupSize: number, skipCodes = false): QuantizedMatrix {
  const {
    shape: [columns = 0, words = 0],
  } = partNamed(layer, parts, 'qweight')
  const groups = partNamed(layer, parts, 'scales').shape[0] ?? 0
  const rows = words * 8
  if (rows < 1 || columns < 1 || groups < 1) throw invalidWeight(`${layer}.qweight`, 'holds no elements')
  checkShape(`${layer}.scales`, partNamed(layer, parts, 'scales'), [groups, rows])
  return integerMatrix({
    shape: [rows, columns],
    bits: 4,
    group: groupOf(`${layer}.scales`, columns, groups, groupSize),
    codes: skipCodes
      ? new Uint8Array()
      : unpackNibbles(wordsOf(layer, parts, 'qweight', [columns, words]), columns, words),
    scales: transpose(floatsOf(layer, parts, 'scales'), groups, rows),
    scaleType: partNamed(layer, parts, 'scales').format as 'f16',
    zeros: Float32Array.from(unpackNibbles(wordsOf(layer, parts, 'qzeros', [groups, words]), groups, words)),
    groupOfColumn: undefined,
  })
}

/**
 * Stores a matrix of 4-bit integer groups in AWQ's GEMM layout.
 *
 * @throws TesseraError `unsupported` for other grids, zeros that are not codes, act-order, and outputs that are not
 *   multiples of 8
 */
export function writeAwq(matrix: QuantizedMatrix): StoredParts {
  const {
    shape: [rows, columns],
    grid,
    scales,
    groupOfColumn,
  } = matrix
  if (grid.kind !== 'integer' || grid.bits !== 4 || grid.group === 'tensor')
    return cannotStore(
      'AWQ layout',
      `it holds 4-bit integers with a scale for each row or group, not ${grid.kind === 'integer' ? `${grid.bits}-bit ones by ${grid.group}` : grid.id}`,
      'use the GPTQ layout or compressed-tensors',
    )
  if (groupOfColumn)
    return cannotStore(
      'AWQ layout',
      'its groups are of columns that stand together',
      'use the GPTQ layout, or GPTQ with the order "groups"',
    )
  if (rows % 8 !== 0)
    return cannotStore(
      'AWQ layout',
      `it packs eight outputs to a word, and ${rows} is not a multiple of 8`,
      'use compressed-tensors',
    )
  const zeros = zerosOf(matrix)
  const odd = firstOddZero(zeros, 4)
  if (odd >= 0)
    return cannotStore(
      'AWQ layout',
      `its zeros are integers of 4 bits, the zero at index ${odd} is ${zeros[odd]}`,
      'quantize with integer zeros',
    )
  const groups = groupsPerRow(grid, columns)
  return {
    qweight: wordsPart(() => packNibbles(matrix.codes, columns, rows), [columns, rows / 8]),
    qzeros: wordsPart(() => packNibbles(zeros, groups, rows), [groups, rows / 8]),
    scales: partFrom(() => transpose(scales, rows, groups), grid.scaleType === 'e8m0' ? 'f32' : grid.scaleType, [
      groups,
      rows,
    ]),
  }
}

/** [lines, words] to codes [8 · words, lines]. */
function unpackNibbles(packed: Uint32Array, lines: number, words: number): Uint8Array {
  const out = new Uint8Array(8 * words * lines)
  for (let line = 0; line < lines; line++) {
    for (let word = 0; word < words; word++) {
      const bits = packed[line * words + word] as number
      for (let nibble = 0; nibble < 8; nibble++)
        out[(8 * word + (nibbleOrder[nibble] as number)) * lines + line] = (bits >>> (4 * nibble)) & 15
    }
  }
  return out
}

/** Codes [rows, lines] to [lines, rows / 8]. */
function packNibbles(codes: ArrayLike<number>, lines: number, rows: number): Uint32Array {
  const words = rows / 8
  const out = new Uint32Array(lines * words)
  for (let line = 0; line < lines; line++) {
    for (let word = 0; word < words; word++) {
      let bits = 0
      for (let nibble = 0; nibble < 8; nibble++)
        bits |= (codes[(8 * word + (nibbleOrder[nibble] as number)) * lines + line] as number) << (4 * nibble)
      out[line * words + word] = bits
    }
  }
  return out
}
