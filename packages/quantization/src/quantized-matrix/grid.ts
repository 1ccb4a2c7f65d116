/** Integers that share a scale by groups of columns: value = scale · (code − zero). */
export interface IntegerGrid {
  readonly kind: 'integer'
  readonly bits: 2 | 3 | 4 | 8
  /** Columns that share a scale; `row` for one scale a row, `tensor` for one in all. A last group may be shorter. */
  readonly group: number | 'row' | 'tensor'
  /** Without zero points: the zero is 2^(bits − 1) everywhere, so that codes stay unsigned. */
  readonly isSymmetric: boolean
  /** What scales are rounded to before codes are chosen. */
  readonly scaleType: 'f32' | 'f16' | 'bf16'
}

/** A table of values that share a scale by groups of columns: value = scale · table[code]. */
export interface CodebookGrid {
  readonly kind: 'codebook'
  /** `nf4`, `fp4_e2m1`, `fp8_e4m3`, … */
  readonly id: string
  /** The values in the order of their codes, 256 at most. */
  readonly values: Float32Array
  readonly group: number | 'row' | 'tensor'
  readonly scaleType: 'f32' | 'f16' | 'bf16'
}

export type Grid = IntegerGrid | CodebookGrid

/** Columns of a group of a weight with `columns` columns. */
export function groupColumns(grid: Grid, columns: number): number {
  return typeof grid.group === 'number' ? Math.min(grid.group, columns) : columns
}

/** Groups of one row. */
export function groupsPerRow(grid: Grid, columns: number): number {
  return Math.ceil(columns / groupColumns(grid, columns))
}
