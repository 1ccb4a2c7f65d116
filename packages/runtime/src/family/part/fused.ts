import { gatedLinearOp, qkvLinearOp } from '@tessera-llm/kernels'
import type { Op, OpInputs, OpOptions, OpOutputs, Tensor, Weight } from '@tessera-llm/tensor'
import type { Attention } from './attention.ts'
import type { BlockInput } from './input.ts'
import type { Mlp } from './mlp.ts'
import type { BlockOptions } from './pass.ts'

/*
 * Where layers take fused ops instead of their parts: where the device has a kernel for the call, and nobody looks at what lies between.
 * Each function returns undefined where the parts have to be called.
 */

/** Flat queries, keys and values of T tokens by one call, with the norm before them. */
export function fusedProjections(input: BlockInput, { query, key, value }: Pick<Attention, 'query' | 'key' | 'value'>, options: BlockOptions): { readonly q: Tensor; readonly k: Tensor; readonly v: Tensor } | undefined {
  if (options.observe) return undefined
  const { inputs, settings } = fusedInput(input, options)
  const weights = { query: query.weight, key: key.weight, value: value.weight, queryBias: query.bias, keyBias: key.bias, valueBias: value.bias }
  return runWhereSupported(qkvLinearOp, { ...inputs, ...weights }, settings)
}

/** What goes into the last projection of a gated MLP by one call, with the norm before it. */
export function fusedGate(input: BlockInput, { gate, up, activation: kind }: Mlp, options: BlockOptions): Tensor | undefined {
  if (options.observe || !gate || gate.bias || up.bias) return undefined
  const { inputs, settings } = fusedInput(input, options)
  return runWhereSupported(gatedLinearOp, { ...inputs, gate: gate.weight, up: up.weight }, { ...settings, kind })?.y
}

interface FusedInput {
  readonly inputs: { readonly x: Tensor; readonly norm: Tensor | undefined }
  readonly settings: { readonly eps?: number; readonly unitOffset?: boolean; readonly activations: BlockOptions['activations'] }
}

/** RMSNorm is taken along; a LayerNorm is computed before. */
function fusedInput(input: BlockInput, { activations }: BlockOptions): FusedInput {
  const { x, norm } = input
  if (norm?.kind !== 'rms') return { inputs: { x: input.normed(), norm: undefined }, settings: { activations } }
  return { inputs: { x, norm: norm.weight }, settings: { eps: norm.eps, unitOffset: norm.unitOffset, activations } }
}

function runWhereSupported<I extends OpInputs & { readonly x: Weight }, O extends OpOutputs, X extends OpOptions>(op: Op<I, O, X>, inputs: I, options: X): O | undefined {
  const { device } = inputs.x
  return device.explain(op, inputs, options).kernel === undefined ? undefined : device.run(op, inputs, options)
}
