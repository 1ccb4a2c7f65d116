import {
  type Grid,
  groupColumns,
  groupsPerRow,
  type IntegerGrid,
  type QuantizedMatrix,
  type ScaleType,
} from '../quantized-matrix/index.ts'
import { invalidWeight, type StoredPart } from './parts.ts'

/** Integers as a file gives them, before it is known whether zeros are all in the middle and columns in order. */
export interface IntegerParts {
  readonly shape: readonly [rows: number, columns: number]
  readonly bits: IntegerGrid['bits']
  readonly group: IntegerGrid['group']
  readonly codes: Uint8Array
  readonly scales: Float32Array
  readonly scaleType: ScaleType
  readonly zeros: Float32Array | undefined
  readonly groupOfColumn: Int32Array | undefined
}

/** The matrix, without zeros where all are in the middle and without groups of columns where these stand in order. */
export function integerMatrix({
  bits,
  group,
  scaleType,
  zeros,
  groupOfColumn,
  ...rest
}: IntegerParts): QuantizedMatrix {
  const middle = 2 ** (bits - 1)
  const isSymmetric = !zeros || zeros.every((zero) => zero === middle)
  const grid: Grid = { kind: 'integer', bits, group, isSymmetric, scaleType }
  const width = groupColumns(grid, rest.shape[1])
  const isOrdered = !groupOfColumn || groupOfColumn.every((index, column) => index === Math.floor(column / width))
  return { ...rest, grid, zeros: isSymmetric ? undefined : zeros, groupOfColumn: isOrdered ? undefined : groupOfColumn }
}

/** Zeros of every group: those of the matrix, or the middle. */
export function zerosOf({ grid, zeros, scales }: QuantizedMatrix): Float32Array {
  return zeros ?? new Float32Array(scales.length).fill(grid.kind === 'integer' ? 2 ** (grid.bits - 1) : 0)
}

/** Index of the first zero that is not a code of so many bits, −1 when all are. */
export function firstOddZero(zeros: Float32Array, bits: number): number {
  const last = 2 ** bits - 1
  // A loop, because calling a function for each zero takes ten times as long.
  for (let i = 0; i < zeros.length; i++) {
    const zero = zeros[i] as number
    if (!(zero >= 0 && zero <= last && Math.floor(zero) === zero)) return i
  }
  return -1
}

/**
 * The groups of a row, checked against the columns that share a scale: `group` from the configuration, −1 or absent for
 * one a row.
 */
export function groupOf(what: string, columns: number, groups: number, group: number | undefined): number | 'row' {
  if (groups === 1 && (group === undefined || group < 1 || group >= columns)) return 'row'
  const width = group !== undefined && group > 0 ? group : Math.ceil(columns / groups)
  if (Math.ceil(columns / width) !== groups)
    throw invalidWeight(
      what,
      `holds ${groups} groups, but ${columns} columns in groups of ${width} make ${Math.ceil(columns / width)}`,
    )
  return width
}

/** Groups of columns, checked; or where they stand in order, made. */
export function groupIndices({ grid, shape, groupOfColumn }: QuantizedMatrix): Int32Array {
  const width = groupColumns(grid, shape[1])
  return groupOfColumn ?? Int32Array.from({ length: shape[1] }, (_, column) => Math.floor(column / width))
}

/** Group sizes of configurations: −1 for one scale a row. */
export function configGroup(grid: Grid): number {
  return typeof grid.group === 'number' ? grid.group : -1
}

export function checkGroups(what: string, part: StoredPart, groupOfColumn: Int32Array, groups: number): void {
  const column = groupOfColumn.findIndex((index) => index < 0 || index >= groups)
  if (column >= 0)
    throw invalidWeight(
      what,
      `names group ${groupOfColumn[column]} for column ${column}; there are ${groups} (${part.shape.join(' × ')} columns)`,
    )
}

export { groupsPerRow }
