import { invertUpper } from '../../linear-algebra/index.ts'
import { type Grid, groupColumns } from '../../quantized-matrix/index.ts'
import { scaleRounder } from '../scale/index.ts'
import type { GridStore } from './grid-target.ts'
import type { GptqPlan } from './kernel.ts'
import type { SweepRowsOptions } from './sweep-rows.ts'

/**
 * Largest group, largest table and most columns that WebAssembly takes: three square matrices in f32 fit its memory of
 * 4 GiB.
 */
const mostWidth = 512
export const mostCodes = 16
export const mostColumns = 16_384

/** A weight's plan as the op `gptq-sweep` takes it. */
export interface SweepPanels {
  /** K in whole fours. */
  readonly stride: number
  readonly factor: Float32Array
  readonly hessian: Float32Array
  readonly mismatch: Float32Array | undefined
  readonly triangles: Float32Array
  readonly order: Int32Array
  readonly table: Float32Array | undefined
  readonly options: SweepRowsOptions
}

/** Result of a sweep, as arrays. */
export interface SweptRows {
  readonly codes: Uint8Array
  readonly scales: Float32Array
  readonly zeros: Float32Array
  readonly loss: Float32Array
}

export function takesPanels({ group, scaleType, ...grid }: Grid, columns: number): boolean {
  return (
    columns <= mostColumns &&
    typeof group === 'number' &&
    group <= mostWidth &&
    scaleType !== 'e8m0' &&
    (grid.kind === 'integer' || grid.values.length <= mostCodes)
  )
}

export function panelsOf(plan: GptqPlan, { grid, group }: GridStore): SweepPanels {
  const { columns, factor, hessian, mismatch, order, rule, passes } = plan
  const width = groupColumns(grid, columns)
  const stride = Math.ceil(columns / 4) * 4
  const padded = padSquare(factor, columns, stride)
  // Columns that fill up the last tile are solved for too.
  for (let column = columns; column < stride; column++) padded[column * (stride + 1)] = 1
  const scaleType = grid.scaleType === 'e8m0' ? 'f32' : grid.scaleType
  return {
    stride,
    factor: padded,
    hessian: padSquare(hessian, columns, stride),
    mismatch: mismatch && padSquare(mismatch, columns, stride),
    triangles: trianglesOf(factor, columns, width),
    order,
    table:
      grid.kind === 'codebook' ? Float32Array.from(group.rising, (code) => grid.values[code] as number) : undefined,
    options:
      grid.kind === 'codebook'
        ? { width, passes, rule, scaleType, isSymmetric: true }
        : { width, passes, rule, scaleType, isSymmetric: grid.isSymmetric, bits: grid.bits },
  }
}

/** Puts rows from `first` on where the method keeps them; returns what they lose in all. */
export function keepRows(
  { grid, columns, groups, codes, scales, zeros, groupOfColumn, group }: GridStore,
  order: Int32Array,
  first: number,
  swept: SweptRows,
): number {
  const { rising } = group
  codes.set(grid.kind === 'codebook' ? swept.codes.map((code) => rising[code] as number) : swept.codes, first * columns)
  const width = groupColumns(grid, columns)
  const round = scaleRounder(grid.scaleType)
  const rows = swept.loss.length
  for (let position = 0; position < groups; position++) {
    const to = groupOfColumn[order[position * width] as number] as number
    for (let row = 0; row < rows; row++) {
      scales[(first + row) * groups + to] = round(swept.scales[row * groups + position] as number)
      if (zeros) zeros[(first + row) * groups + to] = swept.zeros[row * groups + position] as number
    }
  }
  return swept.loss.reduce((sum, value) => sum + value, 0)
}

function padSquare(matrix: Float64Array, columns: number, stride: number): Float32Array {
  if (columns === stride) return Float32Array.from(matrix)
  const out = new Float32Array(stride * stride)
  for (let row = 0; row < columns; row++) out.set(matrix.subarray(row * columns, (row + 1) * columns), row * stride)
  return out
}

/**
 * The inverse of each diagonal block, with line c holding what earlier columns do to column c; f32 [G][width][width],
 * lines of a short one closer.
 */
function trianglesOf(factor: Float64Array, columns: number, width: number): Float32Array {
  const groups = Math.ceil(columns / width)
  const out = new Float32Array(groups * width * width)
  const inverse = new Float64Array(width * width)
  for (let group = 0; group < groups; group++) {
    const start = group * width
    const count = Math.min(width, columns - start)
    invertUpper(factor, columns, start, start + count, inverse)
    const at = group * width * width
    for (let line = 0; line < count; line++)
      for (let i = 0; i <= line; i++) out[at + line * count + i] = inverse[i * count + line] as number
  }
  return out
}
