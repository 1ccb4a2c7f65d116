import { type Grid, groupColumns, groupsPerRow } from '../../quantized-matrix/index.ts'
import { createGroupScale, type GroupScale, type ScaleCandidate, type ScaleRule } from '../scale/index.ts'
import type { SweepTarget } from './sweep.ts'

/** Codes, scales and zeros of a matrix under construction. */
export interface GridStore {
  readonly grid: Grid
  readonly columns: number
  readonly groups: number
  readonly codes: Uint8Array
  readonly scales: Float32Array
  readonly zeros: Float32Array | undefined
  /** The group of each column as it is stored. */
  readonly groupOfColumn: Int32Array
  readonly group: GroupScale
}

/** Scales that are gone through with, of all that the search tries. */
export const simulated = 8

/**
 * @param order the columns in processing order, where groups follow it; undefined where groups are made of columns that
 *   stand together
 */
export function createGridStore(
  grid: Grid,
  rows: number,
  columns: number,
  rule: ScaleRule,
  order: Int32Array | undefined,
): GridStore {
  const width = groupColumns(grid, columns)
  const groups = grid.group === 'tensor' ? 1 : groupsPerRow(grid, columns)
  const count = grid.group === 'tensor' ? 1 : rows * groups
  const groupOfColumn = new Int32Array(columns)
  for (let position = 0; position < columns; position++)
    groupOfColumn[order ? (order[position] as number) : position] = Math.floor(position / width)
  return {
    grid,
    columns,
    groups,
    groupOfColumn,
    codes: new Uint8Array(rows * columns),
    scales: new Float32Array(count),
    zeros: grid.kind === 'integer' && !grid.isSymmetric ? new Float32Array(count) : undefined,
    group: createGroupScale(grid, rule, 'full', simulated),
  }
}

/** Chooses every scale from the weights as they are: for one scale a row or a tensor, and for static groups. */
export function fitStatic(
  { grid, columns, groups, scales, zeros, groupOfColumn, group }: GridStore,
  values: Float32Array,
  costs: Float64Array,
): void {
  if (grid.group === 'tensor') {
    group.fit(values, 0, values.length, undefined)
    scales[0] = group.scale
    if (zeros) zeros[0] = group.zero
    return
  }
  const members = Array.from({ length: groups }, (_, index) =>
    [...groupOfColumn.keys()].filter((column) => groupOfColumn[column] === index),
  )
  const costsOf = members.map((list) => Float64Array.from(list, (column) => costs[column] as number))
  const gathered = new Float64Array(columns)
  for (let row = 0; row * columns < values.length; row++) {
    for (const [index, list] of members.entries()) {
      for (const [i, column] of list.entries()) gathered[i] = values[row * columns + column] as number
      group.fit(gathered, 0, list.length, costsOf[index])
      scales[row * groups + index] = group.scale
      if (zeros) zeros[row * groups + index] = group.zero
    }
  }
}

/** The rows from `firstRow` on, as a target of the sweep. */
export function gridTarget(
  { grid, columns, groups, codes, scales, zeros, groupOfColumn, group }: GridStore,
  firstRow: number,
  rows: number,
  order: Int32Array,
  isStatic: boolean,
): SweepTarget {
  const middle = group.zero
  return {
    width: isStatic ? undefined : groupColumns(grid, columns),
    fit(start, count, weights, offset, stride, costs, inverse) {
      const index = groupOfColumn[order[start] as number] as number
      for (let row = 0; row < rows; row++) {
        group.fit(weights, row * stride + offset, count, costs)
        choose(group, weights, row * stride + offset, count, inverse, offset, stride)
        scales[(firstRow + row) * groups + index] = group.scale
        if (zeros) zeros[(firstRow + row) * groups + index] = group.zero
      }
    },
    round(row, position, weight) {
      const column = order[position] as number
      const at = grid.group === 'tensor' ? 0 : (firstRow + row) * groups + (groupOfColumn[column] as number)
      group.scale = scales[at] as number
      group.zero = zeros ? (zeros[at] as number) : middle
      const code = group.code(weight)
      codes[(firstRow + row) * columns + column] = code
      return group.value(code)
    },
    value(row, position) {
      const column = order[position] as number
      const at = grid.group === 'tensor' ? 0 : (firstRow + row) * groups + (groupOfColumn[column] as number)
      group.scale = scales[at] as number
      group.zero = zeros ? (zeros[at] as number) : middle
      return group.value(codes[(firstRow + row) * columns + column] as number)
    },
  }
}

/** Chooses the candidate with the least loss when the group is swept with it. */
function choose(
  group: GroupScale,
  weights: Float64Array,
  at: number,
  count: number,
  inverse: Float64Array,
  offset: number,
  stride: number,
): void {
  if (group.candidates.length < 2) return
  let least = Number.POSITIVE_INFINITY
  let best: ScaleCandidate | undefined
  const current = new Float64Array(count)
  for (const candidate of group.candidates) {
    group.scale = candidate.scale
    group.zero = candidate.zero
    for (let i = 0; i < count; i++) current[i] = weights[at + i] as number
    let loss = 0
    for (let i = 0; i < count && loss < least; i++) {
      const weight = current[i] as number
      const line = (offset + i) * stride + offset
      const error = (weight - group.value(group.code(weight))) / (inverse[line + i] as number)
      loss += error * error
      for (let j = i + 1; j < count; j++) current[j] = (current[j] as number) - error * (inverse[line + j] as number)
    }
    if (loss >= least) continue
    least = loss
    best = candidate
  }
  if (!best) return
  group.scale = best.scale
  group.zero = best.zero
}
