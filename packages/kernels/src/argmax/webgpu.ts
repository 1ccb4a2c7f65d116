import { lastAxis, rowsOf, type Shape } from '@tessera-llm/tensor'
import type { WebGpuKernel } from '@tessera-llm/webgpu'
import { type Selection, selectPasses, selectTemporaries } from '../top-k/select.ts'
import { defineWebGpuKernel } from '../webgpu-kernel/index.ts'
import { argmaxOp } from './contract.ts'

/** The selection of `top-k` with k = 1; the value is discarded. */
export const argmaxWebgpu: WebGpuKernel = defineWebGpuKernel(argmaxOp, {
  name: 'segments',
  passes: ({ inputs: { x } }) => selectPasses(selectionOf(x.shape), { values: 'largest', indices: 'index' }),
  temporaries: ({ inputs: { x } }) => ({ ...selectTemporaries(selectionOf(x.shape)), largest: 4 * rowsOf(x.shape) }),
})

function selectionOf(shape: Shape): Selection {
  return { rows: rowsOf(shape), width: lastAxis(shape), k: 1 }
}
