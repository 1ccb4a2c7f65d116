import { dense, type Op, sizeOf, specBytes, type Tensor, toleranceOf, type Weight } from '@tessera-llm/tensor'
import { differentiateAttention } from '../attention-backward/differentiate.ts'
import { kvCodesOf } from '../kv-format/index.ts'
import { visiblePairs } from './pairs.ts'
import { referenceAttention } from './reference.ts'
import { attentionSizes } from './sizes.ts'

/** Order of axes: `bhld` is [B, H, L, D], `blhd` is [B, L, H, D]. */
export type Layout = 'bhld' | 'blhd'

/** Inputs of `attention`: queries, keys and values, and optional lengths, masks and biases. */
export type AttentionInputs = {
  /** Queries, f32[B, Hq, Lq, D] or by `layout`. */
  readonly q: Tensor
  /**
   * Keys, f32 or f16[B, Hkv, Lkv, D] or by `kvLayout`; or packed in a cache format (`rowFormat`, `groupFormat`), always
   * bhld.
   */
  readonly k: Weight
  /** Values, f32 or f16[B, Hkv, Lkv, Dv] or by `kvLayout`; or packed like `k`. */
  readonly v: Weight
  /** i32[B]: number of visible keys; the last query row is at position kvLengths[b] − 1. */
  readonly kvLengths?: Tensor | undefined
  /**
   * i32[N + 1], ascending from 0: the axis L of q holds N packed sequences, sequence n in rows cuSeqLens[n] …
   * cuSeqLens[n + 1] − 1. The batch size is then 1. A sequence sees its own keys only; rows beyond the last sequence
   * see none.
   */
  readonly cuSeqLens?: Tensor | undefined
  /** i32[N + 1]: as `cuSeqLens`, for k and v. Default: `cuSeqLens`. */
  readonly cuSeqLensKv?: Tensor | undefined
  /**
   * i32[B, P]: k and v are then pages [N, Hkv, R, D], and key j of batch row b is row j mod R of page blockTable[b, ⌊j
   * / R⌋ mod P]. Requires kvLengths, which may exceed P · R: a later key then overwrites the one P · R before it, which
   * is no longer visible (a ring).
   */
  readonly blockTable?: Tensor | undefined
  /**
   * f32[Hq]: logits that join the softmax's denominator and have no value (Xiao et al. 2023; learned as in gpt-oss).
   */
  readonly sinks?: Tensor | undefined
  /** f32[Hq]: ALiBi slopes (Press et al. 2021); `alibiSlopes(numHeads)` gives the paper's. */
  readonly alibiSlopes?: Tensor | undefined
  /** f32[B or 1, Hq or 1, Lq or 1, Lkv], added to the scores. −1e38 or less (−∞ too) hides the key. */
  readonly bias?: Tensor | undefined
  /** u8[B or 1, Hq or 1, Lq or 1, Lkv]: 0 hides the key. */
  readonly mask?: Tensor | undefined
}

/** `lse` is absent if `returnLse` is false. */
export type AttentionOutputs = { readonly o: Tensor; readonly lse?: Tensor }

/** Options of `attention`: visibility of keys, modifications of the scores, and axis orders. */
export type AttentionOptions = {
  readonly isCausal?: boolean | undefined
  /** Factor on the scores. Default 1 / √D. */
  readonly scale?: number | undefined
  /**
   * Number of keys before a query's position that it sees. Default: unlimited. A window of W tokens is
   * `windowLeft: W − 1`.
   */
  readonly windowLeft?: number | undefined
  /** Number of keys after a query's position that it sees. Default: unlimited; 0 is causal. */
  readonly windowRight?: number | undefined
  /** Cap c of the scores: c · tanh(score / c). Default: none. */
  readonly softcap?: number | undefined
  /** Axes of q and o: `[B, H, L, D]` or `[B, L, H, D]`. Default `bhld`. */
  readonly layout?: Layout | undefined
  /** Axes of k and v. Default: `layout`. */
  readonly kvLayout?: Layout | undefined
  /** Whether to output the log-sum-exp, which the backward pass needs. Default true. */
  readonly returnLse?: boolean | undefined
}

/**
 * Scaled dot-product attention (Vaswani et al. 2017) with grouped KV heads (Ainslie et al. 2023): query head h reads KV
 * head ⌊h / (Hq / Hkv)⌋, so MHA, GQA and MQA are one op. Order: scale → softcap → ALiBi and bias → masks → sinks →
 * softmax. Positions align at the end: query row i is at position Lkv − Lq + i. A row that sees no key gives zeros and
 * lse −∞ (with a sink, lse = sink). q f32[B, Lq, Hq, D], k f32 or f16[B, Lkv, Hkv, D], v f32 or f16[B, Lkv, Hkv, Dv]
 * (or packed, see `k`) → o f32[B, Lq, Hq, Dv] (axes by `layout`), lse f32[B, Hq, Lq] (natural logarithm, sinks
 * included). Hidden keys and values may hold anything, NaN included.
 */
export const attentionOp: Op<AttentionInputs, AttentionOutputs, AttentionOptions> = {
  id: 'attention',
  version: 1,
  package: '@tessera-llm/attention',
  validate(inputs, options) {
    const { batch, numHeads, seqLenQ, valueDim } = attentionSizes(inputs, options)
    const { layout = 'bhld', returnLse = true } = options
    const o = dense(
      'f32',
      layout === 'bhld' ? [batch, numHeads, seqLenQ, valueDim] : [batch, seqLenQ, numHeads, valueDim],
    )
    return returnLse ? { o, lse: dense('f32', [batch, numHeads, seqLenQ]) } : { o }
  },
  // Storage of k and v in f16 adds no error: the reference reads the same rounded values.
  tolerance({ inputs }) {
    const bound = toleranceOf({ dtype: 'f32', reduce: inputs.q.shape.at(-1) ?? 1, stages: 4 })
    const codes = [kvCodesOf(inputs.k), kvCodesOf(inputs.v)].filter((one) => one !== undefined)
    // Kernels may round queries and weights to 16 bits, for integer products.
    return codes.length > 0 ? { atol: bound.atol + 2e-4, rtol: bound.rtol + 2e-4, nmse: 1e-7 } : bound
  },
  cost({ inputs, outputs, options }) {
    const { batch, numHeads, headDim, valueDim, seqLenKv, pages } = attentionSizes(inputs, options)
    const k = pages === 0 ? inputs.k.shape : [batch, 1, seqLenKv, headDim]
    return {
      flops: 2 * batch * numHeads * visiblePairs(inputs.q.shape, k, options) * (headDim + valueDim),
      bytesRead: specBytes(inputs.q) + specBytes(inputs.k) + specBytes(inputs.v),
      bytesWritten: 4 * (sizeOf(outputs.o.shape) + (outputs.lse ? sizeOf(outputs.lse.shape) : 0)),
    }
  },
  reference: referenceAttention,
  saves: ['lse'],
  vjp: differentiateAttention,
}

/** Options and optional inputs of `attention`. */
export type AttentionCall = AttentionOptions & Omit<AttentionInputs, 'q' | 'k' | 'v'>

/**
 * Scaled dot-product attention: q f32[B, Hq, Lq, D], k and v f32 or f16[B, Hkv, Lkv, D or Dv], or packed → o f32[B, Hq,
 * Lq, Dv] (axes by `layout`) and lse f32[B, Hq, Lq], which the caller owns. Not causal by default: pass
 * `windowRight: 0`. `run.kernel` names the only kernel to use. See {@link attentionOp}.
 *
 * @throws TesseraError `invalid-shape`, `invalid-dtype`, `invalid-option`
 */
export function attention(
  q: Tensor,
  k: Weight,
  v: Weight,
  call?: AttentionCall & { readonly returnLse?: true | undefined },
  run?: { readonly kernel?: string },
): Required<AttentionOutputs>
export function attention(
  q: Tensor,
  k: Weight,
  v: Weight,
  call: AttentionCall,
  run?: { readonly kernel?: string },
): AttentionOutputs
export function attention(
  q: Tensor,
  k: Weight,
  v: Weight,
  { kvLengths, cuSeqLens, cuSeqLensKv, blockTable, sinks, alibiSlopes, bias, mask, ...options }: AttentionCall = {},
  run: { readonly kernel?: string } = {},
): AttentionOutputs {
  return q.device.run(
    attentionOp,
    { q, k, v, kvLengths, cuSeqLens, cuSeqLensKv, blockTable, sinks, alibiSlopes, bias, mask },
    options,
    run,
  )
}
