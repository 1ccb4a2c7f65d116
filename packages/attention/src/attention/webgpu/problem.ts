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

/** An attention call as the kernels see it. */
export interface AttentionProblem extends AttentionSizes {
  readonly inputs: InputSpecs<AttentionInputs>
  readonly options: AttentionOptions
  readonly layout: Layout
  readonly kvLayout: Layout
  /** Query heads of a KV head. */
  readonly group: number
  /** Keys before and after a row's position that it sees; `unlimited` where the options set no limit. */
  readonly windowLeft: number
  readonly windowRight: number
  readonly returnLse: boolean
}

/** Further than any key is from any row, and small enough to be added to a position in i32. */
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

/** Whether keys inside a row's span may be hidden. What is hidden may be NaN, which a weight of 0 does not make harmless. */
export function hidesKeys({ inputs }: AttentionProblem): boolean {
  return inputs.mask !== undefined || inputs.bias !== undefined
}

/** The spec of an input that the contract has already checked. */
export function inputSpec(problem: AttentionProblem, name: keyof AttentionInputs & string): TensorSpec {
  const spec = problem.inputs[name]
  if (spec?.kind !== 'dense')
    throw new TesseraError('invalid-kernel', `attention: the kernel needs ${name} as a dense tensor`)
  return spec
}

/** Elements from one batch row, head and row to the next. */
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

/** Why the GPU cannot run these passes, or true: bindings per stage, and offsets that u32 must hold. */
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
