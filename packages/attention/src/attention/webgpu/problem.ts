import {
  type Capabilities,
  type InputSpecs,
  type Problem,
  sizeOf,
  type TensorSpec,
  TesseraError,
} from '@tessera-llm/tensor'
import { webgpuCapabilities, type WebGpuPass } from '@tessera-llm/webgpu'
import type { AttentionInputs, AttentionOptions, Layout } from '../contract.ts'
import { type AttentionSizes, attentionSizes } from '../sizes.ts'

/** An attention call with the derived values that kernels use. */
export interface AttentionProblem extends AttentionSizes {
  readonly inputs: InputSpecs<AttentionInputs>
  readonly options: AttentionOptions
  readonly layout: Layout
  readonly kvLayout: Layout
  /** Query heads per KV head. */
  readonly group: number
  /** Keys before and after a row's position that it sees; `unlimited` if the options set no limit. */
  readonly windowLeft: number
  readonly windowRight: number
  readonly returnLse: boolean
}

/** Larger than any distance between key and row, and small enough to add to a position in i32. */
export const unlimited: number = 2 ** 30

export function attentionProblem(problem: Problem): AttentionProblem {
  const inputs = problem.inputs as InputSpecs<AttentionInputs>
  const options = problem.options as AttentionOptions
  const sizes = attentionSizes(inputs, options)
  const {
    layout = 'bhld',
    kvLayout = layout,
    isCausal = false,
    windowLeft = unlimited,
    windowRight = unlimited,
    returnLse = true,
  } = options
  return {
    ...sizes,
    inputs,
    options,
    layout,
    kvLayout,
    group: sizes.numHeads / sizes.numKvHeads,
    windowLeft,
    windowRight: isCausal ? 0 : windowRight,
    returnLse,
  }
}

/** Whether keys inside a row's span may be hidden. Hidden values may be NaN, which a weight of 0 does not cancel. */
export function hidesKeys({ inputs }: AttentionProblem): boolean {
  return inputs.mask !== undefined || inputs.bias !== undefined
}

/** Spec of an input that the contract has already checked. */
export function inputSpec(problem: AttentionProblem, name: keyof AttentionInputs & string): TensorSpec {
  const spec = problem.inputs[name]
  if (spec?.kind !== 'dense')
    throw new TesseraError('invalid-kernel', `attention: the kernel needs ${name} as a dense tensor`)
  return spec
}

/** Strides in elements along batch, head and row axes. */
export function strides(
  layout: Layout,
  heads: number,
  length: number,
  width: number,
): readonly [number, number, number] {
  return layout === 'bhld'
    ? [heads * length * width, length * width, width]
    : [length * heads * width, width, heads * width]
}

/** `true`, or the reason why the GPU cannot run these passes: bindings per stage, and offsets beyond u32. */
export function fitsGpu(
  problem: AttentionProblem,
  passes: readonly WebGpuPass[],
  capabilities: Capabilities,
): true | string {
  const { maxStorageBuffersPerShaderStage } = webgpuCapabilities(capabilities).limits
  for (const { name, bindings } of passes) {
    if (bindings.length > maxStorageBuffersPerShaderStage)
      return `${name} binds ${bindings.length} tensors for these options, this GPU takes ${maxStorageBuffersPerShaderStage}`
  }
  for (const [name, spec] of Object.entries(problem.inputs)) {
    if (spec && sizeOf(spec.shape) >= 2 ** 32)
      return `${name} has ${sizeOf(spec.shape)} elements, and offsets are 32 bits wide`
  }
  return true
}
