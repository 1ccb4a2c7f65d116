import { viewBytes } from '@tessera-llm/tensor'
import { codeWordsOf, groupsPerRow, type IntegerGrid, type QuantizedMatrix } from '../quantized-matrix/index.ts'
import { checkGroups, firstOddZero, groupIndices, groupOf, integerMatrix, zerosOf } from './matrix.ts'
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
import { codesFromWords, codesToWords, transpose, wordsFor } from './words.ts'

/** Parameters of the GPTQ layout. */
export interface GptqLayout {
  readonly bits: IntegerGrid['bits']
  /** Columns that share a scale; −1 for one scale a row. */
  readonly groupSize: number
  /** 1 stores zeros less one (`checkpoint_format: gptq`), 2 as they are (`gptq_v2`). */
  readonly version: 1 | 2
}

/**
 * Reads a weight [N, K] of the GPTQ layout (AutoGPTQ, GPTQModel): `qweight` i32 [K · bits / 32, N], each column a
 * stream of bits along K, so that 3-bit codes straddle words; `qzeros` i32 [G, N · bits / 32]; `scales` [G, N]; `g_idx`
 * i32 [K], the group of each column, where there is one.
 *
 * @param skipCodes leaves the codes empty and does not look at `qweight` but for its shape
 * @throws TesseraError `invalid-file` naming layer and part
 */
export function readGptq(
  layer: string,
  parts: StoredParts,
  { bits, groupSize, version }: GptqLayout,
  skipCodes = false,
): QuantizedMatrix {
  const {
    shape: [wordRows = 0, rows = 0],
  } = partNamed(layer, parts, 'qweight')
  const columns = Math.floor((wordRows * 32) / bits)
  const groups = partNamed(layer, parts, 'scales').shape[0] ?? 0
  if (rows < 1 || columns < 1 || groups < 1) throw invalidWeight(`${layer}.qweight`, 'holds no elements')
  checkShape(`${layer}.scales`, partNamed(layer, parts, 'scales'), [groups, rows])
  const mask = 2 ** bits - 1
  const stored = codesFromWords(wordsOf(layer, parts, 'qzeros', [groups, wordsFor(rows, { bits })]), groups, rows, {
    bits,
    wordStride: 1,
    lineStride: wordsFor(rows, { bits }),
  })
  const order = parts['g_idx']
  let groupOfColumn: Int32Array | undefined
  if (order) {
    if (order.format !== 'i32') throw invalidWeight(`${layer}.g_idx`, `must be i32, but is ${order.format}`)
    checkShape(`${layer}.g_idx`, order, [columns])
    groupOfColumn = viewBytes(order.bytes, 'i32') as Int32Array
    checkGroups(`${layer}.g_idx`, order, groupOfColumn, groups)
  }
  return integerMatrix({
    shape: [rows, columns],
    bits,
    group: groupOf(`${layer}.scales`, columns, groups, groupSize),
    codes: skipCodes
      ? new Uint8Array()
      : codesFromWords(wordsOf(layer, parts, 'qweight', [wordRows, rows]), rows, columns, {
          bits,
          wordStride: rows,
          lineStride: 1,
        }),
    scales: transpose(floatsOf(layer, parts, 'scales'), groups, rows),
    scaleType: partNamed(layer, parts, 'scales').format as 'f16',
    zeros: transpose(
      Float32Array.from(stored, (zero) => (version === 1 ? (zero + 1) & mask : zero)),
      groups,
      rows,
    ),
    groupOfColumn,
  })
}

/**
 * Stores a matrix of integer groups in the GPTQ layout.
 *
 * @throws TesseraError `unsupported` for codebooks, one scale a tensor, zeros that are not integers, sizes that leave
 *   words half empty, and in version 1 a zero of 0
 */
export function writeGptq(matrix: QuantizedMatrix, version: 1 | 2): StoredParts {
  const {
    shape: [rows, columns],
    grid,
    scales,
  } = matrix
  if (grid.kind !== 'integer' || grid.group === 'tensor')
    return cannotStore(
      'GPTQ layout',
      `it holds integers with a scale for each row or group, not ${grid.kind === 'integer' ? 'one for a tensor' : grid.id}`,
      'use compressed-tensors',
    )
  const { bits } = grid
  if ((columns * bits) % 32 !== 0 || (rows * bits) % 32 !== 0)
    return cannotStore(
      'GPTQ layout',
      `it packs both axes of ${rows} × ${columns} into whole words of 32 bits`,
      'use compressed-tensors, which pads',
    )
  const zeros = zerosOf(matrix)
  const odd = firstOddZero(zeros, bits)
  if (odd >= 0)
    return cannotStore(
      'GPTQ layout',
      `its zeros are integers of ${bits} bits, the zero at index ${odd} is ${zeros[odd]}`,
      'quantize with integer zeros',
    )
  if (version === 1 && zeros.includes(0))
    return cannotStore(
      'GPTQ layout',
      'version 1 stores zeros less one, and a zero of 0 is read differently by different programs',
      'use version 2',
    )
  const groups = groupsPerRow(grid, columns)
  const zeroWords = wordsFor(rows, { bits })
  const zerosByGroup = (): Float32Array =>
    transpose(zeros, rows, groups).map((zero) => (version === 1 ? zero - 1 : zero))
  return {
    qweight: wordsPart(() => wordsAlongColumns(matrix, bits), [wordsFor(columns, { bits }), rows]),
    qzeros: wordsPart(
      () =>
        codesToWords(zerosByGroup(), groups, rows, { bits, wordStride: 1, lineStride: zeroWords }, groups * zeroWords),
      [groups, zeroWords],
    ),
    scales: partFrom(() => transpose(scales, rows, groups), grid.scaleType === 'e8m0' ? 'f32' : grid.scaleType, [
      groups,
      rows,
    ]),
    g_idx: partFrom(() => groupIndices(matrix), 'i32', [columns]),
  }
}

/** `qweight` of `readGptq`. */
function wordsAlongColumns(matrix: QuantizedMatrix, bits: number): Uint32Array {
  const [rows, columns] = matrix.shape
  const words = codeWordsOf(matrix)
  if (words) return transpose(words, rows, columns / 8)
  return codesToWords(
    matrix.codes,
    rows,
    columns,
    { bits, wordStride: rows, lineStride: 1 },
    wordsFor(columns, { bits }) * rows,
  )
}
