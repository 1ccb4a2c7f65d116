import type { Problem } from '@tessera-llm/tensor'
import { type ArgumentWriter, type Bindings, defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { kernelsModule } from '../generated/kernels.ts'
import { type AddProductInputs, type AddProductOptions, addProductOp } from './contract.ts'

/** Sums of a tile, of one thread. */
const sumsBytes = 192

/** Columns that a tile passes by at a time, about: their panels stay in a core's second-level cache. */
const blockColumns = 64

/** The tiles of `linear`: each passes by the panels of a block of columns, and its sums are added to the total. */
export const addProductWasm: WasmKernel = defineWasmKernel(addProductOp, {
  name: 'panels',
  module: kernelsModule,
  supports: () => true,
  stages(problem) {
    const args = (write: ArgumentWriter, at: Bindings): void => {
      const { rows, m, n, laid } = sizesOf(problem)
      const left = at.scratch + sumsBytes * at.threads
      for (const name of ['left', 'right', 'total']) write.u32(at.address(name))
      write
        .u32(rows)
        .u32(m)
        .u32(n)
        .u32(problem.options.isUpper ? 1 : 0)
        .u32(at.scratch)
        .u32(left)
        .u32(left + laid)
        .u32(widthOf(n, at.threads))
    }
    return [
      { entry: 'addProductLay', args },
      { entry: 'addProduct', args },
    ]
  },
  scratchBytes(problem, threads) {
    const { rows, n, laid } = sizesOf(problem)
    return sumsBytes * threads + laid + 32 * rows * Math.ceil(n / 8)
  },
})

/**
 * Columns of a block. The number of blocks is a multiple of twice the threads, which splits the pairs of halves of the
 * triangle equally.
 */
function widthOf(columns: number, threads: number): number {
  const blocks = 2 * threads * Math.ceil(columns / (blockColumns * 2 * threads))
  return 8 * Math.ceil(columns / blocks / 8)
}

function sizesOf({ inputs: { left, right } }: Problem<AddProductInputs, Record<string, never>, AddProductOptions>): {
  readonly rows: number
  readonly m: number
  readonly n: number
  /** Bytes of left as it is laid out. */
  readonly laid: number
} {
  const [rows = 0, m = 0] = left.shape
  return { rows, m, n: right.shape[1] ?? 0, laid: 64 * Math.ceil((16 * rows * Math.ceil(m / 4)) / 64) }
}
