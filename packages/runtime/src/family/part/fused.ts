import { gatedLinearOp, qkvLinearOp, type RoundingOptions } from '@tessera-llm/kernels'
import type { Op, OpInputs, OpOptions, OpOutputs, Tensor, Weight } from '@tessera-llm/tensor'
import type { Attention } from './attention.ts'
import type { BlockInput } from './input.ts'
import type { Mlp } from './mlp.ts'
import type { BlockOptions } from './pass.ts'
import { type Projection, roundingOf } from './projection.ts'

/*
 * Fused ops, which layers call if the device has a kernel for the call and no intermediate tensor is observed. Each function
 * returns undefined if the separate ops must be called.
 */

/** Flat queries, keys and values of T tokens by one call, with the norm before them. */
export function fusedProjections(
  input: BlockInput,
  { query, key, value }: Pick<Attention, 'query' | 'key' | 'value'>,
  options: BlockOptions,
): { readonly q: Tensor; readonly k: Tensor; readonly v: Tensor } | undefined {
  const rounding = options.observe ? undefined : commonRounding([query, key, value], options)
  if (!rounding) return undefined
  const { inputs, settings } = fusedInput(input, rounding)
  const weights = {
    query: query.weight,
    key: key.weight,
    value: value.weight,
    queryBias: query.bias,
    keyBias: key.bias,
    valueBias: value.bias,
  }
  return runWhereSupported(qkvLinearOp, { ...inputs, ...weights }, settings)
}

/** Input of the last projection of a gated MLP by one call, with the norm before it. */
export function fusedGate(
  input: BlockInput,
  { gate, up, activation: kind }: Mlp,
  options: BlockOptions,
): Tensor | undefined {
  if (options.observe || !gate || gate.bias || up.bias) return undefined
  const rounding = commonRounding([gate, up], options)
  if (!rounding) return undefined
  const { inputs, settings } = fusedInput(input, rounding)
  return runWhereSupported(gatedLinearOp, { ...inputs, gate: gate.weight, up: up.weight }, { ...settings, kind })?.y
}

interface FusedInput {
  readonly inputs: { readonly x: Tensor; readonly norm: Tensor | undefined }
  readonly settings: RoundingOptions & { readonly eps?: number; readonly unitOffset?: boolean }
}

/**
 * The rounding that layers with the same input share; undefined if they differ, as static scales of another program's
 * checkpoint may.
 */
function commonRounding(
  projections: readonly Projection[],
  { activations }: BlockOptions,
): RoundingOptions | undefined {
  const [first, ...others] = projections.map(({ inputScale }) => roundingOf(activations, inputScale))
  return others.every(({ inputScale }) => inputScale === first?.inputScale) ? first : undefined
}

/** Fused ops include an RMSNorm; a LayerNorm is computed before them. */
function fusedInput(input: BlockInput, rounding: RoundingOptions): FusedInput {
  const { x, norm } = input
  if (norm?.kind !== 'rms') return { inputs: { x: input.normed(), norm: undefined }, settings: rounding }
  return { inputs: { x, norm: norm.weight }, settings: { eps: norm.eps, unitOffset: norm.unitOffset, ...rounding } }
}

function runWhereSupported<I extends OpInputs & { readonly x: Weight }, O extends OpOutputs, X extends OpOptions>(
  op: Op<I, O, X>,
  inputs: I,
  options: X,
): O | undefined {
  const { device } = inputs.x
  return device.explain(op, inputs, options).kernel === undefined ? undefined : device.run(op, inputs, options)
}
