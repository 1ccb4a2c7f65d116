import { gatedLinearOp, type QkvLinearOptions, qkvLinearOp } from '@tessera-llm/kernels'
import { activationCodes } from '@tessera-llm/kernels/wasm'
import { type Capabilities, lastAxis, rowsOf, type Shape, type WeightSpec } from '@tessera-llm/tensor'
import { type ArgumentWriter, type Bindings, defineWasmKernel, type WasmKernel } from '@tessera-llm/wasm'
import { quantizationModule } from '../generated/quantization.ts'
import {
  align,
  fitsRows8,
  hasFloats,
  int8Bytes,
  layoutOf,
  shiftOf,
  type Sizes,
  writeArguments,
} from '../linear/wasm.ts'
import { layoutWords } from '../rows8/layout.ts'

/** Words of a product's arguments without those of its layout. */
const blockWords = 14

/**
 * One token after the other products of it: several tokens are faster by products of their own, whose input is rounded
 * for all threads.
 */
function takesCall(
  x: WeightSpec,
  weights: readonly WeightSpec[],
  { activations = 'f32' }: QkvLinearOptions,
): true | string {
  if (activations === 'f32') return 'the call asks for f32 activations'
  if (rowsOf(x.shape) !== 1) return `takes one token, not ${rowsOf(x.shape)}`
  for (const weight of weights) {
    const fits = fitsRows8(weight)
    if (fits !== true) return fits
    if (hasFloats(weight)) return 'floats of 8 bits are no integers'
  }
  return true
}

/** A thread's scratch: that of a product, then the normalised x. */
const perThreadOf = (columns: number): number => int8Bytes(columns) + align(4 * columns)

interface Product {
  readonly weight: WeightSpec
  /** Names of the weight, of its bias and of the output; `scratch`: behind the threads' scratch. */
  readonly names: { readonly weight: string; readonly bias?: string; readonly y: string }
}

/** Writes the arguments that `products` in assembly/rows8/fused.ts reads. */
function writeProducts(
  write: ArgumentWriter,
  at: Bindings,
  x: Shape,
  { eps = 0, unitOffset = false, ...rounding }: QkvLinearOptions,
  products: readonly Product[],
  code: number,
  capabilities: Capabilities,
): void {
  const columns = lastAxis(x)
  const perThread = perThreadOf(columns)
  const [first] = products
  const words = blockWords + (first ? layoutWords(layoutOf(first.weight)).length : 0)
  write
    .u32(at.address('norm'))
    .f32(eps)
    .f32(unitOffset ? 1 : 0)
    .u32(int8Bytes(columns))
    .u32(words)
    .u32(code)
  for (const { weight, names } of products) {
    const address = (name: string): number => {
      if (name === 'x') return at.address('x')
      if (name === 'weight.groups') return at.address(`${names.weight}.groups`)
      if (name === 'y') return names.y === 'scratch' ? at.scratch + perThread * at.threads : at.address(names.y)
      return name === 'bias' && names.bias !== undefined ? at.address(names.bias) : 0
    }
    const sizes: Sizes = { tokens: 1, rows: weight.shape[0] ?? 0, columns, perThread, rounding }
    writeArguments(write, { ...at, address }, weight, sizes, 0, shiftOf(layoutOf(weight), capabilities))
  }
}

/** q, k and v of one token in one stage: x is normalised and rounded once a thread. Bits are those of the parts. */
export const qkvInt8Wasm: WasmKernel = defineWasmKernel(qkvLinearOp, {
  name: 'rows8-int8',
  module: quantizationModule,
  supports: ({ inputs: { x, query, key, value }, options }) => takesCall(x, [query, key, value], options),
  stages({ inputs, options }, capabilities) {
    const products = (['query', 'key', 'value'] as const).map(
      (name): Product => ({ weight: inputs[name], names: { weight: name, bias: `${name}Bias`, y: name.charAt(0) } }),
    )
    return [
      {
        entry: capabilities['dotAdd'] ? 'qkvDotAdd' : 'qkvInt8',
        args: (write, at) => writeProducts(write, at, inputs.x.shape, options, products, 0, capabilities),
      },
    ]
  },
  scratchBytes: ({ inputs: { x } }, threads) => perThreadOf(lastAxis(x.shape)) * threads,
})

/** activation(gate) · up of one token in one stage, in the same way. */
export const gatedInt8Wasm: WasmKernel = defineWasmKernel(gatedLinearOp, {
  name: 'rows8-int8',
  module: quantizationModule,
  supports({ inputs: { x, gate, up }, options }) {
    if (options.kind !== 'silu' && options.kind !== 'gelu-tanh') return `takes silu and gelu-tanh, not ${options.kind}`
    return takesCall(x, [gate, up], options)
  },
  stages({ inputs: { x, gate, up }, options }, capabilities) {
    const products: readonly Product[] = [
      { weight: gate, names: { weight: 'gate', y: 'y' } },
      { weight: up, names: { weight: 'up', y: 'scratch' } },
    ]
    return [
      {
        entry: capabilities['dotAdd'] ? 'gatedDotAdd' : 'gatedInt8',
        args: (write, at) =>
          writeProducts(write, at, x.shape, options, products, activationCodes[options.kind], capabilities),
      },
    ]
  },
  scratchBytes: ({ inputs: { x, gate } }, threads) =>
    perThreadOf(lastAxis(x.shape)) * threads + align(4 * (gate.shape[0] ?? 0)),
})
