/**
 * Type to which scales are rounded before codes are chosen, and in which they are stored. `e8m0` has the powers of two
 * (OCP Microscaling Formats 1.0): the one that maps a group's extreme to 4 … 8 for a table whose largest value is 6.
 */
export type ScaleType = 'f32' | 'f16' | 'bf16' | 'e8m0'

/** Integers that share a scale by groups of columns: value = scale · (code − zero). */
export interface IntegerGrid {
  readonly kind: 'integer'
  readonly bits: 2 | 3 | 4 | 8
  /** Columns that share a scale; `row` for one scale a row, `tensor` for one in all. A last group may be shorter. */
  readonly group: number | 'row' | 'tensor'
  /** Without zero points: the zero is 2^(bits − 1) everywhere, so that codes stay unsigned. */
  readonly isSymmetric: boolean
  readonly scaleType: ScaleType
}

/** A table of values that share a scale by groups of columns: value = scale · table[code]. */
export interface CodebookGrid {
  readonly kind: 'codebook'
  /** `nf4`, `fp4_e2m1`, `fp8_e4m3`, … */
  readonly id: string
  /** The values in the order of their codes, 256 at most. Codes of values that are not finite are never chosen. */
  readonly values: Float32Array
  readonly group: number | 'row' | 'tensor'
  readonly scaleType: ScaleType
}

/**
 * The values that a quantized weight can have: evenly spaced integers or a table, times a scale for each group of
 * columns.
 */
export type Grid = IntegerGrid | CodebookGrid

/** Columns of a group of a weight with `columns` columns. */
export function groupColumns(grid: Grid, columns: number): number {
  return typeof grid.group === 'number' ? Math.min(grid.group, columns) : columns
}

/** Groups of one row. */
export function groupsPerRow(grid: Grid, columns: number): number {
  return Math.ceil(columns / groupColumns(grid, columns))
}

/** Bits of a code. */
export function codeBits(grid: Grid): number {
  return grid.kind === 'integer' ? grid.bits : Math.max(1, Math.ceil(Math.log2(grid.values.length)))
}

/** Scales of a matrix [rows, columns]: one a row and group, or one in all. */
export function scaleCount(grid: Grid, [rows, columns]: readonly [number, number]): number {
  return grid.group === 'tensor' ? 1 : rows * groupsPerRow(grid, columns)
}
