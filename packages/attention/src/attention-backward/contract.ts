import {
  dense,
  denseSpec,
  formatShape,
  type InputSpecs,
  type Op,
  type Shape,
  sizeOf,
  specBytes,
  type Tensor,
  TesseraError,
  toleranceOf,
} from '@tessera-llm/tensor'
import type { AttentionInputs, AttentionOptions } from '../attention/contract.ts'
import { visiblePairs } from '../attention/pairs.ts'
import { type AttentionSizes, attentionSizes } from '../attention/sizes.ts'
import { referenceAttentionBackward } from './reference.ts'

/** Inputs of attention except the block table, its outputs, and the gradients of the loss by its outputs. */
export type AttentionBackwardInputs = Omit<AttentionInputs, 'k' | 'v' | 'blockTable'> & {
  readonly k: Tensor
  readonly v: Tensor
  /** f32: output of attention, axes of `layout`. */
  readonly o: Tensor
  /** f32[B, Hq, Lq]: output of attention; −∞ for a row that sees no key. */
  readonly lse: Tensor
  /** f32, shape of o: gradient by o. */
  readonly do: Tensor
  /** f32[B, Hq, Lq]: gradient by the LSE, if the loss depends on it. */
  readonly dlse?: Tensor | undefined
}

/** Gradients; `dsinks` only if the call has sinks. */
export type AttentionBackwardOutputs = {
  readonly dq: Tensor
  readonly dk: Tensor
  readonly dv: Tensor
  readonly dsinks?: Tensor
}

/**
 * Gradients of attention, by the recomputation of FlashAttention (Dao et al. 2022, arXiv 2205.14135; loop order of
 * FlashAttention-2, arXiv 2307.08691): the forward pass keeps only the LSE, and P = exp(S − lse) is recomputed from q
 * and k. With D = Σ do · o − dlse per row, dS = P ∘ (do Vᵀ − D) ∘ (1 − tanh², with a softcap): dv = Pᵀ do, dq = scale ·
 * dS K, dk = scale · dSᵀ Q, dsinks = −Σ exp(sink − lse) · D. dk and dv sum over the query heads of a KV head. Inputs
 * and options of attention → dq f32 (shape of q), dk, dv f32 (shapes of k and v, even if those are f16), dsinks
 * f32[Hq]. The LSE is f32, so P has a relative error of up to 2⁻²⁴ · |lse|: invisible at ordinary scores, a percent for
 * scores in the hundred thousands. Rows that see no key and keys that no row sees have zero gradients, whatever they
 * hold. Bias and ALiBi slopes get no gradients.
 */
export const attentionBackwardOp: Op<AttentionBackwardInputs, AttentionBackwardOutputs, AttentionOptions> = {
  id: 'attention-backward',
  version: 1,
  package: '@tessera-llm/attention',
  validate(inputs, options) {
    const { numHeads } = attentionBackwardSizes(inputs, options)
    const dq = dense('f32', inputs.q.shape)
    const dk = dense('f32', inputs.k.shape)
    const dv = dense('f32', inputs.v.shape)
    return inputs.sinks ? { dq, dk, dv, dsinks: dense('f32', [numHeads]) } : { dq, dk, dv }
  },
  // dk sums over the rows of a whole group of heads, dq over keys; both through products of the head sizes.
  tolerance({ inputs, options }) {
    const { numHeads, numKvHeads, seqLenQ, seqLenKv, headDim, valueDim } = attentionSizes(inputs, options)
    return toleranceOf({
      dtype: 'f32',
      reduce: Math.max(headDim, valueDim) + Math.max((numHeads / numKvHeads) * seqLenQ, seqLenKv),
      stages: 6,
    })
  },
  cost({ inputs, outputs, options }) {
    const { batch, numHeads, headDim, valueDim } = attentionSizes(inputs, options)
    const read = [inputs.q, inputs.k, inputs.v, inputs.o, inputs.lse, inputs.do].reduce(
      (bytes, spec) => bytes + specBytes(spec),
      0,
    )
    // The useful products: S and dP, then dV, dK and dQ.
    return {
      flops:
        2 * batch * numHeads * visiblePairs(inputs.q.shape, inputs.k.shape, options) * (3 * headDim + 2 * valueDim),
      bytesRead: read,
      bytesWritten: 4 * Object.values(outputs).reduce((count, { shape }) => count + sizeOf(shape), 0),
    }
  },
  reference: referenceAttentionBackward,
}

/** Options and optional inputs of `attentionBackward`. */
export type AttentionBackwardCall = AttentionOptions &
  Omit<AttentionBackwardInputs, 'q' | 'k' | 'v' | 'o' | 'lse' | 'do'>

/**
 * Gradients of attention by q, k, v and sinks, from its inputs and outputs; the caller owns them. `run.kernel` names
 * the only kernel to use. See {@link attentionBackwardOp}.
 *
 * @throws TesseraError `invalid-shape`, `invalid-dtype`, `invalid-option`
 */
export function attentionBackward(
  { q, k, v, o, lse, do: gradient }: Pick<AttentionBackwardInputs, 'q' | 'k' | 'v' | 'o' | 'lse' | 'do'>,
  { dlse, kvLengths, cuSeqLens, cuSeqLensKv, sinks, alibiSlopes, bias, mask, ...options }: AttentionBackwardCall = {},
  run: { readonly kernel?: string } = {},
): AttentionBackwardOutputs {
  return q.device.run(
    attentionBackwardOp,
    { q, k, v, o, lse, do: gradient, dlse, kvLengths, cuSeqLens, cuSeqLensKv, sinks, alibiSlopes, bias, mask },
    options,
    run,
  )
}

/**
 * Checks what attention checks, and that the other inputs have the shapes of its outputs. Throws like `attentionSizes`.
 */
export function attentionBackwardSizes(
  inputs: InputSpecs<AttentionBackwardInputs>,
  options: AttentionOptions,
): AttentionSizes {
  const sizes = attentionSizes(inputs, options)
  const { batch, numHeads, seqLenQ, valueDim } = sizes
  const row = [batch, numHeads, seqLenQ]
  const output = (options.layout ?? 'bhld') === 'bhld' ? [...row, valueDim] : [batch, seqLenQ, numHeads, valueDim]
  const expected: readonly (readonly ['o' | 'do' | 'lse' | 'dlse', Shape])[] = [
    ['o', output],
    ['do', output],
    ['lse', row],
    ['dlse', row],
  ]
  for (const [name, shape] of expected) {
    const spec = inputs[name]
    if (spec === undefined && name === 'dlse') continue
    const found = denseSpec(spec, 'attention-backward', name)
    if (found.dtype !== 'f32')
      throw new TesseraError('invalid-dtype', `attention-backward: ${name} must be f32, not ${found.dtype}`)
    if (found.shape.join() !== shape.join())
      throw new TesseraError(
        'invalid-shape',
        `attention-backward: ${name} must be ${formatShape(shape)}, not ${formatShape(found.shape)}; attention with these options has outputs of that shape`,
      )
  }
  return sizes
}
