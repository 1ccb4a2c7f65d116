import { dense, denseSpec, formatShape, type InputSpecs, type Shape, sizeOf, type Op, type Tensor, type TensorSpec, TesseraError, toleranceOf } from '@tessera-llm/tensor'
import { referenceAttention } from './reference.ts'

export type Layout = 'bhld' | 'blhd'

export type AttentionInputs = {
  readonly q: Tensor
  readonly k: Tensor
  readonly v: Tensor
  /** i32[B]: keys from this index on are invisible, and the last query row stands at kvLengths[b] − 1. */
  readonly kvLengths?: Tensor | undefined
  /** f32[Hq]: logits that take part in the softmax's denominator and have no value. */
  readonly sinks?: Tensor | undefined
  /** f32[Hq]: ALiBi slopes. */
  readonly alibiSlopes?: Tensor | undefined
  /** u8[B or 1, Hq or 1, Lq or 1, Lkv]: 1 = attend. */
  readonly mask?: Tensor | undefined
}

export type AttentionOutputs = { readonly o: Tensor; readonly lse: Tensor }

export type AttentionOptions = {
  readonly isCausal?: boolean | undefined
  /** Factor of the scores; 1 / √D when absent. */
  readonly scale?: number | undefined
  /** Keys before a query's own position that it sees; unlimited when absent. A window of W tokens is `windowLeft: W − 1`. */
  readonly windowLeft?: number | undefined
  readonly windowRight?: number | undefined
  /** Scores become c · tanh(score / c). */
  readonly softcap?: number | undefined
  /** Axes of q and o: `[B, H, L, D]` or `[B, L, H, D]`. Default `bhld`. */
  readonly layout?: Layout | undefined
  /** Axes of k and v; that of q when absent. */
  readonly kvLayout?: Layout | undefined
}

export interface AttentionSizes {
  readonly batch: number
  readonly numHeads: number
  readonly numKvHeads: number
  readonly seqLenQ: number
  readonly seqLenKv: number
  readonly headDim: number
  readonly valueDim: number
}

/**
 * Scaled dot-product attention (Vaswani et al. 2017) with grouped KV heads (Ainslie et al. 2023): query head h reads KV head
 * ⌊h / (Hq / Hkv)⌋, so MHA, GQA and MQA are one op. Order: scale → softcap → ALiBi → masks → sinks → softmax. Positions are
 * aligned at the bottom right: query row i stands at Lkv − Lq + i. A row that sees nothing gives zeros and lse −∞.
 * q f32[B, Lq, Hq, D], k f32[B, Lkv, Hkv, D], v f32[B, Lkv, Hkv, Dv] → o f32[B, Lq, Hq, Dv] (axes by layout), lse f32[B, Hq, Lq] (natural).
 */
export const attentionOp: Op<AttentionInputs, AttentionOutputs, AttentionOptions> = {
  id: 'attention',
  version: 1,
  package: '@tessera-llm/attention',
  validate(inputs, options) {
    const { batch, numHeads, seqLenQ, valueDim } = attentionSizes(inputs, options)
    const { layout = 'bhld' } = options
    return { o: dense('f32', layout === 'bhld' ? [batch, numHeads, seqLenQ, valueDim] : [batch, seqLenQ, numHeads, valueDim]), lse: dense('f32', [batch, numHeads, seqLenQ]) }
  },
  tolerance: ({ inputs }) => toleranceOf({ dtype: 'f32', reduce: inputs.q.shape.at(-1) ?? 1, stages: 4 }),
  cost({ inputs, outputs, options }) {
    const { batch, numHeads, seqLenQ, seqLenKv, headDim, valueDim } = attentionSizes(inputs, options)
    const visible = options.isCausal ? seqLenQ * (seqLenKv - (seqLenQ - 1) / 2) : seqLenQ * seqLenKv
    return { flops: 2 * batch * numHeads * visible * (headDim + valueDim), bytesRead: 4 * (sizeOf(inputs.q.shape) + sizeOf(inputs.k.shape) + sizeOf(inputs.v.shape)), bytesWritten: 4 * sizeOf(outputs.o.shape) }
  },
  reference: referenceAttention,
  saves: ['lse'],
}

/** Runs the op; `o` and `lse` belong to the caller. */
export function attention(q: Tensor, k: Tensor, v: Tensor, { kvLengths, sinks, alibiSlopes, mask, ...options }: AttentionOptions & Omit<AttentionInputs, 'q' | 'k' | 'v'> = {}, run: { readonly kernel?: string } = {}): AttentionOutputs {
  return q.device.run(attentionOp, { q, k, v, kvLengths, sinks, alibiSlopes, mask }, options, run)
}

/** Checks shapes and options and names the axes. */
export function attentionSizes(inputs: InputSpecs<AttentionInputs>, options: AttentionOptions): AttentionSizes {
  const q = spec4(inputs.q, 'q')
  const k = spec4(inputs.k, 'k')
  const v = spec4(inputs.v, 'v')
  const { layout = 'bhld', kvLayout = layout } = options
  const [batch, numHeads, seqLenQ, headDim] = axes(q.shape, layout)
  const [batchK, numKvHeads, seqLenKv, keyDim] = axes(k.shape, kvLayout)
  const [batchV, headsV, lengthV, valueDim] = axes(v.shape, kvLayout)
  const fail = (rule: string): never => {
    throw new TesseraError('invalid-shape', `attention: ${rule} (q ${formatShape(q.shape)} ${layout}, k ${formatShape(k.shape)}, v ${formatShape(v.shape)} ${kvLayout})`)
  }
  if (batch !== batchK || batch !== batchV) fail('q, k and v must have one batch size')
  if (keyDim !== headDim) fail(`the head size of k (${keyDim}) must be that of q (${headDim})`)
  if (headsV !== numKvHeads || lengthV !== seqLenKv) fail('k and v must have the same heads and length')
  if (numKvHeads < 1 || numHeads % numKvHeads !== 0) fail(`numHeads (${numHeads}) must be a multiple of numKvHeads (${numKvHeads})`)
  for (const [name, value] of Object.entries({ windowLeft: options.windowLeft, windowRight: options.windowRight })) {
    if (value !== undefined && (!Number.isInteger(value) || value < 0)) throw new TesseraError('invalid-option', `attention: ${name} must be an integer from 0 on, not ${value}; leave it out for no limit`)
  }
  if (options.isCausal && (options.windowRight ?? 0) > 0) throw new TesseraError('invalid-option', `attention: windowRight (${options.windowRight}) contradicts isCausal; leave one of them out`)
  if (options.softcap !== undefined && !(options.softcap > 0)) throw new TesseraError('invalid-option', `attention: softcap must be positive, not ${options.softcap}`)
  if (options.scale !== undefined && !Number.isFinite(options.scale)) throw new TesseraError('invalid-option', `attention: scale must be finite, not ${options.scale}`)
  checkSide(inputs.kvLengths, 'i32', [[batch]], 'kvLengths')
  checkSide(inputs.sinks, 'f32', [[numHeads]], 'sinks')
  checkSide(inputs.alibiSlopes, 'f32', [[numHeads]], 'alibiSlopes')
  checkSide(inputs.mask, 'u8', [batch, 1].flatMap((b) => [numHeads, 1].flatMap((h) => [seqLenQ, 1].map((l) => [b, h, l, seqLenKv]))), 'mask')
  return { batch, numHeads, numKvHeads, seqLenQ, seqLenKv, headDim, valueDim }
}

function spec4(spec: InputSpecs[string], name: string): TensorSpec {
  const found = denseSpec(spec, 'attention', name)
  if (found.dtype !== 'f32') throw new TesseraError('invalid-dtype', `attention: ${name} must be f32, not ${found.dtype}`)
  if (found.shape.length !== 4) throw new TesseraError('invalid-shape', `attention: ${name} must have four axes, not ${formatShape(found.shape)}`)
  return found
}

function axes([batch = 0, second = 0, third = 0, width = 0]: Shape, layout: Layout): readonly [number, number, number, number] {
  return layout === 'bhld' ? [batch, second, third, width] : [batch, third, second, width]
}

function checkSide(spec: InputSpecs[string], dtype: string, shapes: readonly (readonly number[])[], name: string): void {
  if (spec === undefined) return
  const found = denseSpec(spec, 'attention', name)
  if (found.dtype !== dtype || !shapes.some((shape) => shape.join() === found.shape.join())) {
    throw new TesseraError('invalid-shape', `attention: ${name} must be ${dtype} ${formatShape(shapes[0] ?? [])}, not ${found.dtype} ${formatShape(found.shape)}`)
  }
}
