import type { Device } from '@tessera-llm/tensor'
import type { Grid, LinearStatistics } from '../../quantized-matrix/index.ts'
import type { WeightMatrix } from '../matrix/index.ts'
import { beginGptq, endGptq, finishGptq, gptq, type GptqOptions, type GptqResult, nearestInstead } from './gptq.ts'
import { keepRows, panelsOf, takesPanels } from './panels.ts'
import { sweepRowsOp } from './sweep-rows.ts'

/** Rounds a weight as `gptq`, in whatever way is fast. */
export type Gptq = (
  weight: WeightMatrix,
  statistics: LinearStatistics,
  grid: Grid,
  options?: GptqOptions,
) => Promise<GptqResult>

/** `gptq`, on the calling thread. */
export const gptqPlain: Gptq = async (...of) => gptq(...of)

/** Values that are on the device at a time: enough for threads to share. */
const sliceValues = 2 ** 22

/**
 * GPTQ with its rows on the device's threads, to the codes of `createWasmGptqKernel`; grids and options that kernel
 * does not take are left to `gptq`. The device needs `sweepRowsWasm` among its kernels, and memory for three squares of
 * the inputs.
 */
export function createDeviceGptq(device: Device): Gptq {
  return async (weight, statistics, grid, options = {}) => {
    const { values, shape } = weight
    const [rows, columns] = shape
    if (!takesPanels(grid, columns)) return gptq(weight, statistics, grid, options)
    const begun = beginGptq(weight, statistics, grid, options)
    if (!begun) return nearestInstead(weight, grid, options)
    const { plan, store } = begun
    if (!plan) return finishGptq(weight, statistics, options, begun)
    const { options: sweep, stride, ...panels } = panelsOf(plan, store)
    const { groups } = store
    const square = (matrix: Float32Array) => device.tensor(matrix, [stride, stride])
    const shared = {
      order: device.tensor(panels.order, [columns]),
      factor: square(panels.factor),
      hessian: square(panels.hessian),
      mismatch: panels.mismatch && square(panels.mismatch),
      triangles: device.tensor(panels.triangles, [groups, sweep.width, sweep.width]),
      table: panels.table && device.tensor(panels.table, [panels.table.length]),
    }
    let loss = 0
    try {
      const step = Math.max(1, Math.floor(sliceValues / columns))
      for (let first = 0; first < rows; first += step) {
        const count = Math.min(step, rows - first)
        const made = device.scope(({ keep }) => {
          const weights = device.tensor(values.subarray(first * columns, (first + count) * columns), [count, columns])
          const { codes, scales, zeros, loss } = device.run(sweepRowsOp, { weights, ...shared }, sweep)
          return [keep(codes), keep(scales), keep(zeros), keep(loss)] as const
        })
        try {
          const [codes, scales, zeros, lost] = await Promise.all(made.map((tensor) => device.read(tensor)))
          loss += keepRows(store, plan.order, first, {
            codes: codes as Uint8Array,
            scales: scales as Float32Array,
            zeros: zeros as Float32Array,
            loss: lost as Float32Array,
          })
        } finally {
          for (const tensor of made) tensor.dispose()
        }
      }
    } finally {
      for (const tensor of Object.values(shared)) tensor?.dispose()
    }
    return endGptq(weight, statistics, begun, loss)
  }
}
