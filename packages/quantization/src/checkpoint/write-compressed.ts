import { codeWordsOf, groupsPerRow, type QuantizedMatrix } from '../quantized-matrix/index.ts'
import { firstOddZero } from './matrix.ts'
import { cannotStore, partFrom, type StoredPart, type StoredParts, wordsPart } from './parts.ts'
import { codesToWords, transpose, wordsFor } from './words.ts'

/** Layouts of compressed-tensors that can be written: words of packed codes, one code a byte, and 8-bit floats. */
export type CompressedFormat = 'pack-quantized' | 'int-quantized' | 'float-quantized'

/**
 * Stores a matrix in a layout of compressed-tensors.
 *
 * @throws TesseraError `unsupported` where the layout cannot hold its grid
 */
export function writeCompressed(matrix: QuantizedMatrix, format: CompressedFormat): StoredParts {
  const {
    shape: [rows, columns],
    grid,
    scales,
    zeros,
    groupOfColumn,
  } = matrix
  if (grid.scaleType === 'e8m0')
    return cannotStore(format, 'its scales are f32, f16 or bf16, not powers of two', 'use a GGUF file of mxfp4')
  const groups = grid.group === 'tensor' ? 1 : groupsPerRow(grid, columns)
  const weight_scale = partFrom(() => scales, grid.scaleType, grid.group === 'tensor' ? [1] : [rows, groups])
  const common: Record<string, StoredPart> = {
    weight_scale,
    ...(groupOfColumn ? { weight_g_idx: partFrom(() => groupOfColumn, 'i32', [columns]) } : {}),
  }
  if (format === 'float-quantized') {
    if (grid.kind !== 'codebook' || grid.id !== 'fp8_e4m3')
      return cannotStore(
        format,
        `it holds fp8_e4m3, not ${grid.kind === 'integer' ? `${grid.bits}-bit integers` : grid.id}`,
        'quantize to fp8_e4m3',
      )
    return { ...common, weight: { format: 'fp8_e4m3', shape: [rows, columns], bytes: matrix.codes } }
  }
  if (grid.kind !== 'integer')
    return cannotStore(format, `it holds integers, not ${grid.id}`, 'use float-quantized for fp8_e4m3')
  const middle = 2 ** (grid.bits - 1)
  const odd = zeros ? firstOddZero(zeros, grid.bits) : -1
  if (odd >= 0)
    return cannotStore(
      format,
      `its zeros are integers of ${grid.bits} bits, the zero at index ${odd} is ${zeros?.[odd]}`,
      'quantize with integer zeros',
    )
  const spans = grid.group === 'tensor' ? 1 : rows
  if (format === 'int-quantized') {
    const signed = (values: ArrayLike<number>): Int8Array => Int8Array.from(values, (value) => value - middle)
    return {
      ...common,
      ...(zeros ? { weight_zero_point: partFrom(() => signed(zeros), 'i8', weight_scale.shape) } : {}),
      weight: partFrom(() => signed(matrix.codes), 'i8', [rows, columns]),
    }
  }
  const layout = { bits: grid.bits }
  const perRow = wordsFor(columns, layout)
  if (zeros && grid.group === 'tensor')
    common['weight_zero_point'] = partFrom(() => [(zeros[0] as number) - middle], 'i8', [1])
  else if (zeros) {
    const words = wordsFor(spans, layout)
    common['weight_zero_point'] = wordsPart(
      () =>
        codesToWords(
          transpose(zeros, spans, groups),
          groups,
          spans,
          { ...layout, wordStride: groups, lineStride: 1 },
          words * groups,
        ),
      [words, groups],
    )
  }
  return {
    ...common,
    weight_packed: wordsPart(
      () =>
        codeWordsOf(matrix) ??
        codesToWords(matrix.codes, rows, columns, { ...layout, wordStride: 1, lineStride: perRow }, rows * perRow),
      [rows, perRow],
    ),
    weight_shape: partFrom(() => [rows, columns], 'i64', [2]),
  }
}
