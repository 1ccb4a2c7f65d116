import { linearOp } from '@tessera-llm/kernels'
import { lastAxis, rowsOf, type WeightSpec } from '@tessera-llm/tensor'
import { type ArgumentWriter, type Bindings, defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { quantizationModule } from '../generated/quantization.ts'
import { rows8Kinds } from '../rows8/kind.ts'

/** Suffix of the entries for a weight's format, or undefined when it is none of ours. */
export function rows8Suffix(weight: WeightSpec): string | undefined {
  if (weight.kind !== 'packed' || weight.format.version !== 1) return undefined
  return rows8Kinds.find(({ source }) => weight.format.id === `${source}/rows8`)?.source
}

export function whyNotRows8(weight: WeightSpec): string {
  return weight.kind === 'dense' ? 'the weight is dense' : `the weight is packed as ${weight.format.id}@${weight.format.version}, not as one of ${rows8Kinds.map(({ source }) => `${source}/rows8`).join(', ')}`
}

/** The argument block that all entries of `linear` share. */
function writeArguments(write: ArgumentWriter, at: Bindings, tokens: number, rows: number, columns: number, perThread: number): void {
  write.u32(at.address('x')).u32(at.address('weight.groups')).u32(at.address('bias')).u32(at.address('residual')).u32(at.address('y'))
    .u32(tokens).u32(rows).u32(columns).u32(at.scratch).u32(perThread).u32(at.scratch + perThread * at.threads)
}

/** The f32 panel of 8 rows; or results of four tokens, then the decoded panel of 8 rows (at most 640 bytes for 32 columns) or the int8 records of one token. */
function bytesPerThread(columns: number, isExact: boolean): number {
  return Math.ceil((128 + (isExact ? columns * 32 : (columns / 32) * 640)) / 64) * 64
}

/** int8 records of all tokens, padded to four: at most 64 bytes of codes and 20 of fields for 32 columns of a token. */
function recordBytes(tokens: number, columns: number): number {
  return tokens === 1 ? 0 : Math.ceil(tokens / 4) * 4 * (columns / 32) * 84
}

/** int8 activations: a dot product of integers for each block, one token at a time or four. */
export const rows8Int8Wasm: WasmKernel = defineWasmKernel(linearOp, {
  name: 'rows8-int8',
  module: quantizationModule,
  supports({ inputs: { weight }, options: { activations = 'f32' } }) {
    if (rows8Suffix(weight) === undefined) return whyNotRows8(weight)
    return activations === 'int8' || 'the call asks for f32 activations'
  },
  stages({ inputs: { x, weight } }) {
    const suffix = rows8Suffix(weight)
    const [rows = 0, columns = 0] = weight.shape
    const tokens = rowsOf(x.shape)
    const args = (write: ArgumentWriter, at: Bindings): void => writeArguments(write, at, tokens, rows, columns, bytesPerThread(columns, false))
    if (tokens === 1) return [{ entry: `gemv_${suffix}`, args }]
    return [{ entry: `quantize_${suffix}`, args }, { entry: `gemm_${suffix}`, args }]
  },
  scratchBytes({ inputs: { x } }, threads) {
    const columns = lastAxis(x.shape)
    return bytesPerThread(columns, false) * threads + recordBytes(rowsOf(x.shape), columns)
  },
})

/** f32 activations: 8 rows at a time are laid out as f32. */
export const rows8ExactWasm: WasmKernel = defineWasmKernel(linearOp, {
  name: 'rows8-exact',
  module: quantizationModule,
  supports({ inputs: { weight }, options: { activations = 'f32' } }) {
    if (rows8Suffix(weight) === undefined) return whyNotRows8(weight)
    return activations === 'f32' || 'the call asks for int8 activations'
  },
  stages({ inputs: { x, weight } }) {
    const [rows = 0, columns = 0] = weight.shape
    const tokens = rowsOf(x.shape)
    const args = (write: ArgumentWriter, at: Bindings): void => writeArguments(write, at, tokens, rows, columns, bytesPerThread(columns, true))
    const product = { entry: `exact_${rows8Suffix(weight)}`, args }
    return tokens > 1 ? [{ entry: 'layTokens', args }, product] : [product]
  },
  scratchBytes({ inputs: { x } }, threads) {
    const columns = lastAxis(x.shape)
    const tokens = rowsOf(x.shape)
    // Several tokens lie in quads: f32 [⌈M / 4⌉][K][4].
    return bytesPerThread(columns, true) * threads + (tokens > 1 ? Math.ceil(tokens / 4) * columns * 16 : 0)
  },
})
