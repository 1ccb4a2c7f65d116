import { lastAxis, rowsOf } from '@tessera-llm/tensor'
import { type ArgumentWriter, type Bindings, defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { kernelsModule } from '../generated/kernels.ts'
import { denseWeightSuffix } from '../wasm-kernel/index.ts'
import { linearOp } from './contract.ts'

/** Dense weights. Does not round activations: with dense weights that would cost accuracy and save nothing. */
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
    const tokens = rowsOf(x.shape)
    const args = (write: ArgumentWriter, at: Bindings): void => {
      write
        .u32(at.address('x'))
        .u32(at.address('weight'))
        .u32(at.address('bias'))
        .u32(at.address('residual'))
        .u32(at.address('y'))
        .u32(tokens)
        .u32(rows)
        .u32(columns)
        .u32(at.scratch)
        .u32(panelBytes(tokens, columns))
        .u32(at.scratch + panelBytes(tokens, columns) * at.threads)
    }
    const product = { entry: `linear${'suffix' in dense ? dense.suffix : ''}`, args }
    return tokens > 1 ? [{ entry: 'layTokens', args }, product] : [product]
  },
  scratchBytes({ inputs: { x } }, threads) {
    const columns = lastAxis(x.shape)
    const tokens = rowsOf(x.shape)
    return panelBytes(tokens, columns) * threads + laidBytes(tokens, columns)
  },
})

/** Bytes of the L2 cache that panels may fill. */
const panelsBytes = 2 ** 18

/**
 * Scratch bytes per thread: a tile's sums, then as many panels, f32 [K][8], as the cache budget allows, at least one.
 * One token reads rows in place and needs scratch only for the scaled copy of x that f16 weights take.
 */
function panelBytes(tokens: number, columns: number): number {
  if (tokens === 1) return Math.ceil(columns / 16) * 64
  const panels = Math.max(1, Math.floor(panelsBytes / (columns * 32)))
  return Math.ceil((192 + panels * columns * 32) / 64) * 64
}

/** Bytes of several tokens packed as f32 tiles, padded to at most a multiple of 4 tokens. */
function laidBytes(tokens: number, columns: number): number {
  return tokens > 1 ? Math.ceil(tokens / 4) * columns * 16 : 0
}
