import { type Grid, groupColumns, groupsPerRow, type QuantizedMatrix } from '../../quantized-matrix/index.ts'
import { checkImportance } from '../../format/encodable-format.ts'
import { checkGrid, checkWeight, type WeightMatrix } from '../matrix/index.ts'
import { createGroupScale, type ScaleRule } from '../scale/index.ts'

/** Options of `rtn`. */
export interface RtnOptions {
  /** Choice of scales. Default `search`. */
  readonly scale?: ScaleRule | undefined
  /**
   * f32[K]: what a squared error in each column costs (`importanceOf`); all the same where absent. Only `search` heeds
   * it.
   */
  readonly importance?: Float32Array | undefined
}

/**
 * Rounds each weight to the nearest value of the grid, ties to even: needs no data, is quick with the rule `range`, and
 * is the base line of every other method.
 *
 * @throws TesseraError `invalid-shape`, `invalid-value` for weights or an importance that do not fit
 */
export function rtn(
  weight: WeightMatrix,
  grid: Grid,
  { scale: rule = 'search', importance }: RtnOptions = {},
): QuantizedMatrix {
  checkWeight('rtn', weight)
  checkGrid('rtn', grid)
  const { values, shape } = weight
  const [rows, columns] = shape
  if (importance) checkImportance('rtn', importance, columns)
  const width = groupColumns(grid, columns)
  const groups = grid.group === 'tensor' ? 1 : groupsPerRow(grid, columns)
  const spans = grid.group === 'tensor' ? 1 : rows
  const codes = new Uint8Array(values.length)
  const scales = new Float32Array(spans * groups)
  const zeros = grid.kind === 'integer' && !grid.isSymmetric ? new Float32Array(spans * groups) : undefined
  const group = createGroupScale(grid, rule, 'narrow')
  const span = grid.group === 'tensor' ? values.length : columns
  const costs = importance && grid.group === 'tensor' ? repeat(importance, rows) : importance
  for (let start = 0, at = 0; start < values.length; start += span) {
    for (let column = 0; column < span; column += width * (span / columns), at++) {
      const end = Math.min(column + width * (span / columns), span)
      group.fit(values, start + column, end - column, costs?.subarray(column, end))
      scales[at] = group.scale
      if (zeros) zeros[at] = group.zero
      for (let i = start + column; i < start + end; i++) codes[i] = group.code(values[i] as number)
    }
  }
  return { shape, grid, codes, scales, zeros }
}

function repeat(importance: Float32Array, times: number): Float32Array {
  const all = new Float32Array(importance.length * times)
  for (let i = 0; i < times; i++) all.set(importance, i * importance.length)
  return all
}
