import { bytesOf, decodeToF32, encodeElements, type Shape, TesseraError, viewBytes } from '@tessera-llm/tensor'
import {
  checkMatrix,
  codeBits,
  groupsPerRow,
  type QuantizedMatrix,
  scaleCount,
  type ScaleType,
} from '../quantized-matrix/index.ts'
import { codeRowBytes, packCodes, unpackCodes } from './codes.ts'
import { type GridFormat, gridFormat, matrixShape, partOf, type ZeroType } from './grid-format.ts'

/**
 * The format that stores a matrix exactly, and its parts: zeros as integers where they are, as f16 where f16 holds
 * them, as f32 otherwise.
 *
 * @throws TesseraError `invalid-shape`, `invalid-value` where the matrix does not fit its grid or a scale is not a
 *   value of `scaleType`
 */
export function packMatrix(matrix: QuantizedMatrix): {
  readonly format: GridFormat
  readonly parts: Readonly<Record<string, Uint8Array>>
} {
  checkMatrix(matrix)
  const {
    shape: [rows, columns],
    grid,
    codes,
    scales,
    zeros,
    groupOfColumn,
  } = matrix
  const bits = codeBits(grid)
  const format = gridFormat(grid, { zeros: zeroTypeOf(zeros, bits), hasColumnGroups: groupOfColumn !== undefined })
  const parts: Record<string, Uint8Array> = {
    codes: packCodes(codes, rows, columns, bits),
    scales: encodeScales(format.id, scales, grid.scaleType),
  }
  if (zeros) {
    const spans = grid.group === 'tensor' ? 1 : rows
    parts['zeros'] =
      format.zeros === 'codes'
        ? packCodes(Uint8Array.from(zeros), spans, zeros.length / spans, bits)
        : bytesOf(encodeElements(zeros, format.zeros === 'f16' ? 'f16' : 'f32'))
  }
  if (groupOfColumn) parts['groups'] = bytesOf(groupOfColumn.slice())
  return { format, parts }
}

/** The matrix that parts hold. */
export function unpackMatrix(
  format: GridFormat,
  parts: Readonly<Record<string, Uint8Array>>,
  shape: Shape,
): QuantizedMatrix {
  const { grid, zeros, hasColumnGroups, id } = format
  const [rows, columns] = matrixShape(id, shape)
  const bits = codeBits(grid)
  const count = scaleCount(grid, [rows, columns])
  const spans = grid.group === 'tensor' ? 1 : rows
  const groups = grid.group === 'tensor' ? 1 : groupsPerRow(grid, columns)
  return {
    shape: [rows, columns],
    grid,
    codes: unpackCodes(partOf(id, parts, 'codes', rows * codeRowBytes(columns, bits)), rows, columns, bits),
    scales: decodeScales(partOf(id, parts, 'scales', count * scaleBytes[grid.scaleType]), grid.scaleType),
    zeros:
      zeros === 'none'
        ? undefined
        : zeros === 'codes'
          ? Float32Array.from(
              unpackCodes(partOf(id, parts, 'zeros', spans * codeRowBytes(groups, bits)), spans, groups, bits),
            )
          : decodeScales(partOf(id, parts, 'zeros', count * scaleBytes[zeros]), zeros),
    groupOfColumn: hasColumnGroups
      ? Int32Array.from(viewBytes(partOf(id, parts, 'groups', 4 * columns), 'i32') as Int32Array)
      : undefined,
  }
}

const scaleBytes: Readonly<Record<ScaleType, number>> = { f32: 4, f16: 2, bf16: 2, e8m0: 1 }

function encodeScales(id: string, scales: Float32Array, type: ScaleType): Uint8Array {
  const encoded =
    type === 'e8m0'
      ? Uint8Array.from(scales, (scale) => Math.round(Math.log2(scale)) + 127)
      : bytesOf(encodeElements(scales, type))
  const stored = decodeScales(encoded, type)
  const index = scales.findIndex((scale, i) => !Object.is(scale, stored[i]))
  if (index >= 0)
    throw new TesseraError(
      'invalid-value',
      `${id}: the scale ${scales[index]} at index ${index} is not a value of ${type}; round scales before codes are chosen`,
      { details: { index } },
    )
  return encoded
}

function decodeScales(bytes: Uint8Array, type: ScaleType): Float32Array {
  if (type === 'e8m0') return Float32Array.from(bytes, (exponent) => 2 ** (exponent - 127))
  return decodeToF32(viewBytes(bytes, type), type, bytes.byteLength / scaleBytes[type])
}

function zeroTypeOf(zeros: Float32Array | undefined, bits: number): ZeroType {
  if (!zeros) return 'none'
  if (zeros.every((zero) => Number.isInteger(zero) && zero >= 0 && zero < 2 ** bits)) return 'codes'
  const halves = decodeToF32(encodeElements(zeros, 'f16'), 'f16', zeros.length)
  return zeros.every((zero, i) => zero === halves[i]) ? 'f16' : 'f32'
}
