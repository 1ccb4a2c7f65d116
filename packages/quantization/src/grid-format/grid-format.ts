import {
  byteLengthOf,
  type DType,
  type Format,
  type FormatPart,
  formatShape,
  type Shape,
  sizeOf,
  TesseraError,
} from '@tessera-llm/tensor'
import { codeBits, dequantizeMatrix, type Grid, groupsPerRow, type ScaleType } from '../quantized-matrix/index.ts'
import { codeRowBytes } from './codes.ts'
import { unpackMatrix } from './pack-matrix.ts'

/** Storage of zero points: none (symmetric grids, codebooks), integers of a code's bits, or floats. */
export type ZeroType = 'none' | 'codes' | 'f16' | 'f32'

/**
 * The storage of a quantized matrix [N, K] with G groups a row. Its parts:
 *
 * | part | dtype | shape | |
 * |---|---|---|---|
 * | `codes` | u8 | [N, ⌈K · bits / 8⌉] | each row a stream of bits, lowest first: `packCodes` |
 * | `scales` | `scaleType` (u8 for e8m0: exponent + 127) | [N, G], or [1, 1] for one scale a tensor | |
 * | `zeros` | u8 | [N, ⌈G · bits / 8⌉] | as codes, where zeros are integers; f16 or f32 [N, G] where not |
 * | `groups` | i32 | [K] | the group of each column, where columns were grouped in another order |
 *
 * value = scale · (code − zero), or scale · table[code]; the zero of symmetric integers is 2^(bits − 1). Difference and
 * product are rounded to f32.
 */
export interface GridFormat extends Format {
  readonly grid: Grid
  readonly zeros: ZeroType
  readonly hasColumnGroups: boolean
}

/** Options of `gridFormat`. */
export interface GridFormatOptions {
  /** Default: `codes` for integers with zero points, `none` for all else. */
  readonly zeros?: ZeroType | undefined
  /** Columns name their groups (act-order). Default false. */
  readonly hasColumnGroups?: boolean | undefined
}

/**
 * The format of matrices on a grid; its id names all that decides the layout: `int4/g64/f16/z4`, `nf4/g64/f16`,
 * `fp8_e4m3/row/f32`.
 */
export function gridFormat(grid: Grid, options: GridFormatOptions = {}): GridFormat {
  const { zeros = grid.kind === 'integer' && !grid.isSymmetric ? 'codes' : 'none', hasColumnGroups = false } = options
  checkGrid(grid, zeros, hasColumnGroups)
  const bits = codeBits(grid)
  const id = [
    grid.kind === 'integer' ? `int${grid.bits}` : grid.id,
    typeof grid.group === 'number' ? `g${grid.group}` : grid.group,
    grid.scaleType,
    ...(zeros === 'none' ? [] : [zeros === 'codes' ? `z${bits}` : `z${zeros}`]),
    ...(hasColumnGroups ? ['order'] : []),
  ].join('/')
  const format: GridFormat = {
    id,
    version: 1,
    grid,
    zeros,
    hasColumnGroups,
    parts(shape) {
      const [rows, columns] = matrixShape(id, shape)
      const groups = groupsPerRow(grid, columns)
      const scales: Shape = grid.group === 'tensor' ? [1, 1] : [rows, groups]
      const parts: Record<string, FormatPart> = {
        codes: { dtype: 'u8', shape: [rows, codeRowBytes(columns, bits)] },
        scales: { dtype: scaleDType(grid.scaleType), shape: scales },
      }
      if (zeros === 'codes')
        parts['zeros'] = { dtype: 'u8', shape: [scales[0] as number, codeRowBytes(scales[1] as number, bits)] }
      else if (zeros !== 'none') parts['zeros'] = { dtype: zeros, shape: scales }
      if (hasColumnGroups) parts['groups'] = { dtype: 'i32', shape: [columns] }
      return parts
    },
    decode: (parts, shape) => Float64Array.from(dequantizeMatrix(unpackMatrix(format, parts, shape))),
  }
  return format
}

/** Whether a format is one of these, so that kernels can read its grid. */
export function isGridFormat(format: Format): format is GridFormat {
  return 'grid' in format && 'hasColumnGroups' in format
}

/**
 * All parts in one run of bytes, in the order in which the format lists them: how a checkpoint hands a matrix to its
 * packer.
 */
export function joinParts(format: GridFormat, parts: Readonly<Record<string, Uint8Array>>, shape: Shape): Uint8Array {
  const listed = Object.entries(format.parts(shape))
  const out = new Uint8Array(listed.reduce((sum, [, part]) => sum + bytesOfPart(part), 0))
  let at = 0
  for (const [name, part] of listed) {
    out.set(partOf(format.id, parts, name, bytesOfPart(part)), at)
    at += bytesOfPart(part)
  }
  return out
}

/** The parts of what `joinParts` gave, without a copy. */
export function splitParts(format: GridFormat, stored: Uint8Array, shape: Shape): Readonly<Record<string, Uint8Array>> {
  const listed = Object.entries(format.parts(shape))
  const expected = listed.reduce((sum, [, part]) => sum + bytesOfPart(part), 0)
  if (stored.byteLength !== expected)
    throw new TesseraError(
      'invalid-shape',
      `${format.id}: a weight of ${formatShape(shape)} takes ${expected} bytes, got ${stored.byteLength}`,
    )
  let at = 0
  return Object.fromEntries(listed.map(([name, part]) => [name, stored.subarray(at, (at += bytesOfPart(part)))]))
}

/** A part, checked to have the expected length. */
export function partOf(
  id: string,
  parts: Readonly<Record<string, Uint8Array>>,
  name: string,
  expected: number,
): Uint8Array {
  const part = parts[name]
  if (part?.byteLength !== expected)
    throw new TesseraError(
      'invalid-shape',
      `${id}: the part ${name} takes ${expected} bytes, got ${part?.byteLength ?? 'none'}`,
    )
  return part
}

/** @throws TesseraError `invalid-shape` unless the shape is that of a matrix */
export function matrixShape(id: string, shape: Shape): readonly [rows: number, columns: number] {
  const [rows = 0, columns = 0] = shape
  if (shape.length !== 2 || rows < 1 || columns < 1)
    throw new TesseraError('invalid-shape', `${id}: holds matrices, not ${formatShape(shape)}`)
  return [rows, columns]
}

function bytesOfPart({ dtype, shape }: FormatPart): number {
  return byteLengthOf(dtype, sizeOf(shape))
}

function scaleDType(type: ScaleType): DType {
  return type === 'e8m0' ? 'u8' : type
}

function checkGrid(grid: Grid, zeros: ZeroType, hasColumnGroups: boolean): void {
  const fail = (problem: string): never => {
    throw new TesseraError('invalid-option', `gridFormat: ${problem}`)
  }
  const takesZeros = grid.kind === 'integer' && !grid.isSymmetric
  if (takesZeros === (zeros === 'none'))
    fail(
      takesZeros
        ? 'integers that are not symmetric need zeros (codes, f16 or f32)'
        : `symmetric grids and codebooks have no zeros, got "${zeros}"`,
    )
  if (typeof grid.group === 'number' && !(Number.isInteger(grid.group) && grid.group > 0))
    fail(`a group is a number of columns > 0, got ${grid.group}`)
  if (hasColumnGroups && typeof grid.group !== 'number')
    fail(`columns can name their groups only where a row has several, not with one scale a ${grid.group}`)
  if (grid.kind === 'codebook' && !(grid.values.length >= 2 && grid.values.length <= 256))
    fail(`a table has 2 to 256 values, got ${grid.values.length}`)
}
