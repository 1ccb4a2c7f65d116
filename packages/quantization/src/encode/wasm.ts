import { lastAxis, rowsOf } from '@tessera-llm/tensor'
import { type ArgumentWriter, type Bindings, defineWasmKernel, type WasmKernel, type WasmStage } from '@tessera-llm/wasm'
import { encodeModule } from '../generated/encode.ts'
import { blockTypeOf, encodeBlocksOp } from './contract.ts'

/** The exported function of each type. */
const entries: Readonly<Record<string, string>> = {
  q4_0: 'encodeQ40', q4_1: 'encodeQ41', q5_0: 'encodeQ50', q5_1: 'encodeQ51', q8_0: 'encodeQ80', q2_k: 'encodeQ2K', q3_k: 'encodeQ3K', q4_k: 'encodeQ4K', q5_k: 'encodeQ5K', q6_k: 'encodeQ6K',
  iq4_nl: 'encodeIQ4NL', iq4_xs: 'encodeIQ4XS', tq1_0: 'encodeTQ10', tq2_0: 'encodeTQ20', mxfp4: 'encodeMXFP4', nvfp4: 'encodeNVFP4',
}

/** Types whose importance asks for the mean square of a whole row. */
const weighRows: readonly string[] = ['q4_0', 'q4_1', 'q5_0', 'q5_1']

const scratchBytes = 16_384

/** Four blocks at a time, one in each lane, every step in ggml's order: no product and sum is fused, so that all builds give the same bytes. */
export const encodeBlocksWasm: WasmKernel = defineWasmKernel(encodeBlocksOp, {
  name: 'lanes',
  module: encodeModule,
  supports: ({ options: { format } }) => entries[format] !== undefined || `${format} can be read and not made`,
  stages({ inputs: { values, importance }, options: { format } }) {
    const perRow = lastAxis(values.shape) / blockTypeOf(format).blockSize
    const args = (write: ArgumentWriter, at: Bindings): void => {
      write.u32(at.address('values')).u32(at.address('importance')).u32(at.address('blocks')).u32(perRow * rowsOf(values.shape)).u32(perRow).u32(at.scratch).u32(at.scratch + scratchBytes * at.threads)
    }
    const encode: WasmStage = { entry: entries[format] as string, args }
    return importance && weighRows.includes(format) ? [{ entry: 'meanSquares', args }, encode] : [encode]
  },
  scratchBytes: ({ inputs: { values } }, threads) => scratchBytes * threads + 4 * rowsOf(values.shape),
})
