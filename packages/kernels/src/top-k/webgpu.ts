import { lastAxis, rowsOf, type Shape } from '@tessera-llm/tensor'
import type { WebGpuKernel } from '@tessera-llm/webgpu'
import { defineWebGpuKernel } from '../webgpu-kernel/index.ts'
import { topKOp } from './contract.ts'
import { type Selection, selectPasses, selectTemporaries } from './select.ts'

export const topKWebgpu: WebGpuKernel = defineWebGpuKernel(topKOp, {
  name: 'segments',
  passes: ({ inputs: { x }, options: { k } }) =>
    selectPasses(selectionOf(x.shape, k), { values: 'values', indices: 'indices' }),
  temporaries: ({ inputs: { x }, options: { k } }) => selectTemporaries(selectionOf(x.shape, k)),
})

function selectionOf(shape: Shape, k: number): Selection {
  return { rows: rowsOf(shape), width: lastAxis(shape), k }
}
