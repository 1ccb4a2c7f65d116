import { lastAxis, rowsOf } from '@tessera-llm/tensor'
import {
  type ArgumentWriter,
  type Bindings,
  defineWasmKernel,
  instantiateStandalone,
  type WasmKernel,
  type WasmStage,
} from '@tessera-llm/wasm'
import { rowBytesOf } from '../format/block-format.ts'
import { checkImportance, checkValues } from '../format/encodable-format.ts'
import { encodeModule } from '../generated/encode.ts'
import { blockTypeOf, encodeBlocksOp } from './contract.ts'
import type { EncodeNow } from './encoder.ts'

/** The exported function of each type. */
const entries: Readonly<Record<string, string>> = {
  q4_0: 'encodeQ40',
  q4_1: 'encodeQ41',
  q5_0: 'encodeQ50',
  q5_1: 'encodeQ51',
  q8_0: 'encodeQ80',
  q2_k: 'encodeQ2K',
  q3_k: 'encodeQ3K',
  q4_k: 'encodeQ4K',
  q5_k: 'encodeQ5K',
  q6_k: 'encodeQ6K',
  iq4_nl: 'encodeIQ4NL',
  iq4_xs: 'encodeIQ4XS',
  tq1_0: 'encodeTQ10',
  tq2_0: 'encodeTQ20',
  mxfp4: 'encodeMXFP4',
  nvfp4: 'encodeNVFP4',
}

/** Types whose importance asks for the mean square of a whole row. */
const weighRows: readonly string[] = ['q4_0', 'q4_1', 'q5_0', 'q5_1']

const scratchBytes = 16_384

/**
 * Four blocks at a time, one in each lane, every step in ggml's order: no product and sum is fused, so that all builds
 * give the same bytes.
 */
export const encodeBlocksWasm: WasmKernel = defineWasmKernel(encodeBlocksOp, {
  name: 'lanes',
  module: encodeModule,
  supports: ({ options: { format } }) => entries[format] !== undefined || `${format} can be read and not made`,
  stages({ inputs: { values, importance }, options: { format } }) {
    const perRow = lastAxis(values.shape) / blockTypeOf(format).blockSize
    const args = (write: ArgumentWriter, at: Bindings): void => {
      write
        .u32(at.address('values'))
        .u32(at.address('importance'))
        .u32(at.address('blocks'))
        .u32(perRow * rowsOf(values.shape))
        .u32(perRow)
        .u32(at.scratch)
        .u32(at.scratch + scratchBytes * at.threads)
    }
    const encode: WasmStage = { entry: entries[format] as string, args }
    return importance && weighRows.includes(format) ? [{ entry: 'meanSquares', args }, encode] : [encode]
  },
  scratchBytes: ({ inputs: { values } }, threads) => scratchBytes * threads + 4 * rowsOf(values.shape),
})

/**
 * Values that a standalone encoder takes at a time, and bytes of memory for what may come of them: at most 8.5 bits
 * each.
 */
const sliceValues = 2 ** 16

/**
 * The same without a device, on the calling thread: for methods that encode as they go. It keeps 1 MiB.
 *
 * @throws TesseraError `unsupported` where WebAssembly SIMD is missing; the encoder itself what `format.encode` throws
 */
export async function createWasmEncoder(): Promise<EncodeNow> {
  const at = { values: 1024, importance: 0, out: 0, scratch: 0, means: 0 }
  at.importance = at.values + 4 * sliceValues
  at.out = at.importance + 4 * sliceValues
  at.scratch = at.out + 2 * sliceValues
  at.means = at.scratch + scratchBytes
  const { exports, buffer } = await instantiateStandalone(encodeModule, at.means + 4 * (sliceValues / 32))
  const words = new Uint32Array(buffer, 0, 8)
  return (format, values, shape, { importance } = {}) => {
    const entry = entries[format.id]
    const columns = lastAxis(shape)
    // The reference encodes types without a kernel, and rows larger than a slice.
    if (entry === undefined || columns > sliceValues)
      return format.encode(values, shape, importance ? { importance } : {})
    const rowBytes = rowBytesOf(blockTypeOf(format.id), shape)
    checkValues(format.id, values, shape)
    if (importance) {
      checkImportance(format.id, importance, columns)
      new Float32Array(buffer, at.importance).set(importance)
    }
    const rows = rowsOf(shape)
    const out = new Uint8Array(rows * rowBytes)
    const perRow = columns / blockTypeOf(format.id).blockSize
    const step = Math.floor(sliceValues / columns)
    for (let row = 0; row < rows; row += step) {
      const count = Math.min(step, rows - row)
      new Float32Array(buffer, at.values).set(values.subarray(row * columns, (row + count) * columns))
      words.set([at.values, importance ? at.importance : 0, at.out, perRow * count, perRow, at.scratch, at.means])
      if (importance && weighRows.includes(format.id)) (exports['meanSquares'] as Run)(0, 0, 1)
      ;(exports[entry] as Run)(0, 0, 1)
      out.set(new Uint8Array(buffer, at.out, count * rowBytes), row * rowBytes)
    }
    return { blocks: out }
  }
}

type Run = (args: number, thread: number, threads: number) => void
