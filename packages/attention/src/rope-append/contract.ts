import {
  denseSpec,
  formatShape,
  type HostTensor,
  type Op,
  sizeOf,
  type Tensor,
  TesseraError,
  toleranceOf,
  type WeightSpec,
} from '@tessera-llm/tensor'
import { appendRows } from '../kv-append/contract.ts'
import { prepareHeads } from './reference.ts'

/**
 * Inputs of `ropeAppend`: q f32[B, L, Hq, D] (changed in place), k f32[B, L, Hkv, D], v f32[B, L, Hkv, Dv]; cos and sin
 * f32[P, R/2], positions i32[B, L]; the caches keys and values f32 or f16[B, Hkv, C, D or Dv] (written in place), with
 * blockTable i32[B, P] pages [N, Hkv, R, D or Dv]; norm weights f32[D].
 */
export type RopeAppendInputs = {
  readonly q: Tensor
  readonly k: Tensor
  readonly v: Tensor
  readonly cos: Tensor
  readonly sin: Tensor
  readonly positions: Tensor
  readonly keys: Tensor
  readonly values: Tensor
  readonly blockTable?: Tensor | undefined
  readonly queryNorm?: Tensor | undefined
  readonly keyNorm?: Tensor | undefined
}

/** Options of `ropeAppend`: order of rotary pairs, and the norms. */
export type RopeAppendOptions = {
  /** As in `rope`: `neox` rotates channel pairs (i, i + R/2), `gptj` pairs (2i, 2i + 1). */
  readonly style: 'neox' | 'gptj'
  /** `eps` of the norms; required if there are any. */
  readonly eps?: number | undefined
  /** The norms multiply by 1 + weight (Gemma) instead of weight. Default false. */
  readonly unitOffset?: boolean | undefined
}

/**
 * Everything between projection and attention for the heads of new tokens: applies RMSNorm with `queryNorm` or
 * `keyNorm` f32[D] to each head of q and k, if given, and rotates it by its position (see `rope`); q changes in place,
 * k and v are stored in the caches. q f32[B, L, Hq, D], k f32[B, L, Hkv, D], v f32[B, L, Hkv, Dv], cos and sin f32[P,
 * R/2], positions i32[B, L] in 0 … P − 1; keys and values f32 or f16[B, Hkv, C, D or Dv], written at rows `positions`,
 * or with `blockTable` i32[B, P] pages [N, Hkv, R, D or Dv] (see `kv-append`).
 */
export const ropeAppendOp: Op<RopeAppendInputs, Record<string, never>, RopeAppendOptions> = {
  id: 'rope-append',
  version: 1,
  package: '@tessera-llm/attention',
  writes: ['q', 'keys', 'values'],
  validate(inputs, { style, eps }) {
    const spec = (name: keyof RopeAppendInputs): ReturnType<typeof denseSpec> =>
      denseSpec(inputs[name], 'rope-append', name)
    const [q, k, v] = [spec('q'), spec('k'), spec('v')]
    const [batch = 0, length = 0, , width = 0] = q.shape
    const heads = k.shape[2] ?? 0
    if (style !== 'neox' && style !== 'gptj')
      throw new TesseraError(
        'invalid-option',
        `rope-append: style must be one of neox, gptj, not ${JSON.stringify(style)}`,
      )
    expectShape('q', q, 'f32', [batch, length, q.shape[2] ?? 0, width])
    expectShape('k', k, 'f32', [batch, length, heads, width])
    expectShape('v', v, 'f32', [batch, length, heads, v.shape[3] ?? 0])
    expectShape('positions', spec('positions'), 'i32', [batch, length])
    const [rows = 0, half = 0] = spec('cos').shape
    expectShape('cos', spec('cos'), 'f32', [rows, half])
    expectShape('sin', spec('sin'), 'f32', [rows, half])
    if (2 * half > width)
      throw new TesseraError(
        'invalid-shape',
        `rope-append: cos and sin must be [P, R/2] with R ≤ ${width}, not ${formatShape([rows, half])}`,
      )
    const table = inputs.blockTable && spec('blockTable')
    if (table) expectShape('blockTable', table, 'i32', [batch, table.shape[1] ?? 0])
    for (const [name, of] of [
      ['keys', k],
      ['values', v],
    ] as const) {
      const cache = spec(name)
      if (cache.dtype !== 'f32' && cache.dtype !== 'f16')
        throw new TesseraError('invalid-dtype', `rope-append: ${name} must be f32 or f16, not ${cache.dtype}`)
      expectShape(name, cache, cache.dtype, [
        table ? (cache.shape[0] ?? 0) : batch,
        heads,
        cache.shape[2] ?? 0,
        of.shape[3] ?? 0,
      ])
    }
    for (const name of ['queryNorm', 'keyNorm'] as const) {
      if (!inputs[name]) continue
      expectShape(name, spec(name), 'f32', [width])
      if (!(eps !== undefined && eps >= 0))
        throw new TesseraError('invalid-option', `rope-append: ${name} needs an eps that is 0 or positive, not ${eps}`)
    }
    return {}
  },
  tolerance: ({ inputs: { q, keys, values } }) =>
    toleranceOf({
      dtype: [keys, values].some((cache) => cache.kind === 'dense' && cache.dtype === 'f16') ? 'f16' : 'f32',
      reduce: q.shape[3] ?? 1,
      stages: 2,
    }),
  cost({ inputs: { q, k, v } }) {
    const [rotated, all] = [sizeOf(q.shape) + sizeOf(k.shape), sizeOf(q.shape) + sizeOf(k.shape) + sizeOf(v.shape)]
    return { flops: 3 * rotated, bytesRead: 4 * all, bytesWritten: 4 * all }
  },
  reference({ q, k, v, positions, keys, values, blockTable, queryNorm, keyNorm, ...angles }, options) {
    const rowOf = (b: number, i: number): number => positions.data[b * (q.shape[1] ?? 0) + i] as number
    appendRows(keys, { ...k, data: prepareHeads(k, keyNorm, positions, angles, options) }, rowOf, blockTable)
    appendRows(values, v, rowOf, blockTable)
    q.data.set(prepareHeads(q, queryNorm, positions, angles, options))
    return {}
  },
}

/**
 * Normalizes and rotates q in place; normalizes, rotates and stores k; stores v. See {@link ropeAppendOp}.
 *
 * @throws TesseraError `invalid-shape`, `invalid-dtype`, `invalid-option`, `missing-kernel`
 */
export function ropeAppend(inputs: RopeAppendInputs, options: RopeAppendOptions): void {
  inputs.q.device.run(ropeAppendOp, inputs, options)
}

function expectShape(
  name: string,
  spec: WeightSpec & { readonly kind: 'dense' },
  dtype: HostTensor['dtype'],
  shape: readonly number[],
): void {
  if (spec.dtype !== dtype || spec.shape.join() !== shape.join()) {
    throw new TesseraError(
      'invalid-shape',
      `rope-append: ${name} must be ${dtype} ${formatShape(shape)}, not ${spec.dtype} ${formatShape(spec.shape)}; q is [B, L, Hq, D], k and v [B, L, Hkv, …], a cache [B, Hkv, C, …]`,
    )
  }
}
