import { TesseraError } from '@tessera-llm/tensor'
import { instantiateStandalone } from '@tessera-llm/wasm'
import { gptqModule } from '../../generated/gptq.ts'
import { invertUpper } from '../../linear-algebra/index.ts'
import { groupColumns } from '../../quantized-matrix/index.ts'
import { scaleRounder } from '../scale/index.ts'
import { type GridStore, simulated } from './grid-target.ts'
import type { GptqKernel, GptqPlan } from './kernel.ts'
import { type BufferName, type Buffers, lanes, layOut, mostCodes, mostWidth, sizesOf } from './wasm-buffers.ts'
import { writeGrid } from './wasm-grid.ts'

/** Three square matrices of it in f32 fit a WebAssembly memory of 4 GiB. */
const mostColumns = 16_384

type CallName =
  | 'currentPanel'
  | 'pendingPanel'
  | 'solvePanel'
  | 'gradientPanel'
  | 'fitPanel'
  | 'simulatePanel'
  | 'sweepPanel'
  | 'refineRow'
type Calls = Readonly<Record<CallName, (...values: number[]) => number>>

/**
 * The sweep of GPTQ in WebAssembly SIMD, f32, for integers and tables of up to 16 codes in groups of up to 512 columns: in a third of the
 * time that f64 takes. Pass it to `gptq` as `kernel`. It keeps 12 · maxColumns² bytes.
 *
 * @param maxColumns the most inputs of a weight that will come
 * @throws TesseraError `unsupported` where WebAssembly SIMD is missing, `invalid-option` for more than 16 384 columns
 */
export async function createWasmGptqKernel(maxColumns: number): Promise<GptqKernel> {
  if (!(Number.isInteger(maxColumns) && maxColumns > 0 && maxColumns <= mostColumns)) {
    throw new TesseraError(
      'invalid-option',
      `gptq: the kernel takes up to ${mostColumns} columns, got ${maxColumns}; leave it out for wider weights`,
    )
  }
  const most = Math.ceil(maxColumns / 4) * 4
  const { exports, buffer } = await instantiateStandalone(
    gptqModule,
    Object.values(sizesOf(most)).reduce((sum, size) => sum + 4 * size, 0),
  )
  const call = exports as unknown as Calls
  let run: ((weights: Float64Array, rows: number, firstRow: number) => number) | undefined
  return {
    supports: ({ kind, group, scaleType, ...grid }, columns) =>
      columns <= maxColumns &&
      typeof group === 'number' &&
      group <= mostWidth &&
      scaleType !== 'e8m0' &&
      (kind === 'integer' || ('values' in grid && grid.values.length <= mostCodes)),
    begin(plan, store) {
      const stride = Math.ceil(plan.columns / 4) * 4
      run = prepare(plan, store, stride, layOut(buffer, stride), call)
    },
    slice(weights, rows, firstRow) {
      if (!run)
        throw new TesseraError(
          'invalid-option',
          'gptq: the kernel was given rows before it began a weight; call begin first',
        )
      const columns = weights.length / rows
      let loss = 0
      for (let row = 0; row < rows; row += lanes) {
        const count = Math.min(lanes, rows - row)
        loss += run(weights.subarray(row * columns, (row + count) * columns), count, firstRow + row)
      }
      return loss
    },
  }
}

/** Writes what all rows share, and returns what rounds up to 8 of them. */
function prepare(
  plan: GptqPlan,
  store: GridStore,
  stride: number,
  buffers: Buffers,
  call: Calls,
): (weights: Float64Array, rows: number, firstRow: number) => number {
  const { at, views } = buffers
  const { columns, factor, hessian, mismatch, order, rule, passes } = plan
  const { grid, groups, codes, scales, zeros, groupOfColumn } = store
  const width = groupColumns(grid, columns)
  const round = scaleRounder(grid.scaleType)
  const codeOf = writeGrid(store, rule, buffers)
  views.factor.fill(0)
  views.hessian.fill(0)
  views.mismatch.fill(0)
  for (let row = 0; row < columns; row++) {
    views.factor.set(factor.subarray(row * columns, (row + 1) * columns), row * stride)
    views.hessian.set(hessian.subarray(row * columns, (row + 1) * columns), row * stride)
    if (mismatch) views.mismatch.set(mismatch.subarray(row * columns, (row + 1) * columns), row * stride)
  }
  // Columns that fill up the last tile are solved for too.
  for (let column = columns; column < stride; column++) views.factor[column * (stride + 1)] = 1
  const blocks = Array.from({ length: Math.ceil(columns / width) }, (_, block) =>
    prepareBlock(factor, columns, block * width, Math.min((block + 1) * width, columns)),
  )
  const step = (panel: BufferName, column: number): number => at[panel] + column * lanes * 4

  return (weights, rows, firstRow) => {
    for (const name of ['weights', 'pending', 'errors', 'loss'] as const) views[name].fill(0)
    const panel = views.weights
    for (let row = 0; row < rows; row++)
      for (let position = 0; position < columns; position++)
        panel[position * lanes + row] = weights[row * columns + position] as number
    if (mismatch) {
      // Errors that are pending from the start: what corrects the targets, times R.
      call.pendingPanel(at.weights, at.mismatch, stride, columns, 0, stride, at.pending)
      call.solvePanel(at.pending, at.factor, stride, stride)
    }
    for (const { start, count, upper, costs, roots } of blocks) {
      views.upper.set(upper)
      views.costs.set(costs)
      call.currentPanel(step('weights', start), step('pending', start), at.upper, count, count, at.current)
      call.fitPanel(at.current, count, at.costs, at.grid, at.list, rule === 'search' ? simulated : 1)
      views.costs.set(roots)
      call.simulatePanel(
        at.current,
        count,
        at.upper,
        count,
        at.costs,
        at.grid,
        at.list,
        rule === 'search' ? simulated : 1,
        at.chosen,
        at.errors + start * lanes * 4,
      )
      call.sweepPanel(
        at.current,
        count,
        at.upper,
        count,
        at.costs,
        at.grid,
        at.chosen,
        step('errors', start),
        step('rounded', start),
        step('codes', start),
        at.loss,
      )
      const lost = views.lost
      const rounded = views.rounded
      for (let i = start * lanes; i < (start + count) * lanes; i++)
        lost[i - start * lanes] = (panel[i] as number) - (rounded[i] as number)
      const next = start + count
      // Tiles begin at multiples of 4: what they reach before the next column is done with.
      if (next < columns)
        call.pendingPanel(at.lost, at.factor + 4 * start * stride, stride, count, next - (next % 4), stride, at.pending)
      const group = groupOfColumn[order[start] as number] as number
      for (let row = 0; row < rows; row++) {
        scales[(firstRow + row) * groups + group] = round(views.chosen[row] as number)
        if (zeros) zeros[(firstRow + row) * groups + group] = views.chosen[lanes + row] as number
      }
    }
    let loss = views.loss.subarray(0, rows).reduce((sum, value) => sum + value, 0)
    if (passes > 0) loss -= descend(rows, firstRow)
    const panelCodes = views.codes
    for (let row = 0; row < rows; row++) {
      for (let position = 0; position < columns; position++)
        codes[(firstRow + row) * columns + (order[position] as number)] = codeOf(
          panelCodes[position * lanes + row] as number,
        )
    }
    return loss
  }

  function descend(rows: number, firstRow: number): number {
    call.gradientPanel(at.errors, at.factor, stride, stride, at.gradient)
    const { gradient, rounded, codes: panelCodes, rowGradient, rowRounded, rowCodes } = views
    let fallen = 0
    for (let row = 0; row < rows; row++) {
      for (let position = 0; position < stride; position++) {
        rowGradient[position] = gradient[position * lanes + row] as number
        rowRounded[position] = rounded[position * lanes + row] as number
        rowCodes[position] = panelCodes[position * lanes + row] as number
      }
      for (const [index, { start }] of blocks.entries()) {
        const group = (firstRow + row) * groups + (groupOfColumn[order[start] as number] as number)
        views.rowScales[index] = scales[group] as number
        views.rowZeros[index] = zeros ? (zeros[group] as number) : 2 ** (grid.kind === 'integer' ? grid.bits - 1 : 0)
      }
      for (let pass = 0; pass < passes; pass++) {
        const by = call.refineRow(
          at.rowGradient,
          at.rowRounded,
          at.rowCodes,
          at.rowScales,
          at.rowZeros,
          at.hessian,
          stride,
          columns,
          width,
          at.grid,
        )
        if (by === 0) break
        fallen += by
      }
      for (let position = 0; position < columns; position++)
        panelCodes[position * lanes + row] = rowCodes[position] as number
    }
    return fallen
  }
}

/** One block's triangle, with row c holding what earlier columns do to column c. */
function prepareBlock(
  factor: Float64Array,
  columns: number,
  start: number,
  end: number,
): {
  readonly start: number
  readonly count: number
  readonly upper: Float32Array
  readonly costs: Float32Array
  readonly roots: Float32Array
} {
  const count = end - start
  const inverse = new Float64Array(count * count)
  invertUpper(factor, columns, start, end, inverse)
  const upper = Float32Array.from(inverse, (_, i) => inverse[(i % count) * count + Math.floor(i / count)] as number)
  const roots = Float32Array.from({ length: count }, (_, i) => factor[(start + i) * (columns + 1)] as number)
  return { start, count, upper, costs: roots.map((root) => root * root), roots }
}
