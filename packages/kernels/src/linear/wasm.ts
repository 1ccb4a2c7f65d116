import { lastAxis, rowsOf } from '@tessera-llm/tensor'
import { defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { kernelsModule } from '../generated/kernels.ts'
import { denseWeightSuffix } from '../wasm-kernel/index.ts'
import { linearOp } from './contract.ts'

/** Dense weights. int8 activations are for packed weights: here they would cost accuracy and save nothing. */
export const linearWasm: WasmKernel = defineWasmKernel(linearOp, {
  name: 'panels',
  module: kernelsModule,
  supports({ inputs: { weight } }) {
    const dense = denseWeightSuffix(weight)
    return 'suffix' in dense || dense.reason
  },
  stages({ inputs: { x, weight } }) {
    const dense = denseWeightSuffix(weight)
    const [rows = 0, columns = 0] = weight.shape
    return [
      {
        entry: `linear${'suffix' in dense ? dense.suffix : ''}`,
        args: (write, at) =>
          write.u32(at.address('x')).u32(at.address('weight')).u32(at.address('bias')).u32(at.address('residual')).u32(at.address('y'))
            .u32(rowsOf(x.shape)).u32(rows).u32(columns).u32(at.scratch).u32(panelBytes(columns)),
      },
    ]
  },
  scratchBytes: ({ inputs: { x } }, threads) => panelBytes(lastAxis(x.shape)) * threads,
})

/** The sums of a tile, then one panel: f32 [K][8]. */
function panelBytes(columns: number): number {
  return Math.ceil((128 + columns * 32) / 64) * 64
}
