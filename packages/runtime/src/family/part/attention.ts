import type { CacheAttention } from '@tessera-llm/attention'
import { rope } from '@tessera-llm/kernels'
import { reshape, type Tensor } from '@tessera-llm/tensor'
import { fusedProjections } from './fused.ts'
import type { BlockInput } from './input.ts'
import { type Norm, normalize } from './norm.ts'
import type { Heads, LayerPass } from './pass.ts'
import { type Projection, project } from './projection.ts'
import type { Rotation } from './rotation.ts'

/** The attention block of a layer: MHA, GQA or MQA by its head counts. */
export interface Attention {
  readonly query: Projection
  readonly key: Projection
  readonly value: Projection
  readonly output: Projection
  /** Norm before the rotation: over each head, or over all heads together if the norm is as wide as the projection. */
  readonly queryNorm?: Norm | undefined
  readonly keyNorm?: Norm | undefined
  readonly rotation?: Rotation | undefined
  readonly numHeads: number
  readonly numKvHeads: number
  readonly headDim: number
  /** Scale, softcap, window and other modifications of the scores. */
  readonly scores: CacheAttention
}

/** f32[T, D] → f32[T, D]; adds `residual` if given. */
export function attend(input: BlockInput, block: Attention, pass: LayerPass, residual?: Tensor): Tensor {
  const tokens = input.x.shape[0] ?? 0
  const heads = projectHeads(input, block, pass)
  const o = rotateAndAttend(heads, block, pass) ?? pass.attend(prepareHeads(heads, block, pass), block.scores)
  const attended = reshape(o, [tokens, block.numHeads * block.headDim])
  pass.report('attn_heads', attended)
  return project(attended, block.output, pass.options, residual)
}

/** Projects to queries, keys and values. */
function projectHeads(input: BlockInput, block: Attention, { options, report }: LayerPass): Heads {
  const fused = fusedProjections(input, block, options)
  const q = fused?.q ?? project(input.normed(), block.query, options)
  const k = fused?.k ?? project(input.normed(), block.key, options)
  const v = fused?.v ?? project(input.normed(), block.value, options)
  report('v', v)
  const heads = (flat: Tensor, count: number): Tensor => reshape(flat, [1, flat.shape[0] ?? 0, count, block.headDim])
  return { query: heads(q, block.numHeads), key: heads(k, block.numKvHeads), value: heads(v, block.numKvHeads) }
}

/** Norms, rotation, cache and attention, for devices on which the first three are one op. */
function rotateAndAttend(
  heads: Heads,
  { queryNorm, keyNorm, rotation, headDim, scores }: Attention,
  pass: LayerPass,
): Tensor | undefined {
  if (!rotation || pass.options.observe) return undefined
  if (!queryNorm && !keyNorm) return pass.rotateAndAttend?.(heads, { angles: rotation, style: rotation.style }, scores)
  if (
    queryNorm?.kind !== 'rms' ||
    keyNorm?.kind !== 'rms' ||
    queryNorm.weight.shape[0] !== headDim ||
    keyNorm.weight.shape[0] !== headDim
  )
    return undefined
  if (queryNorm.eps !== keyNorm.eps || queryNorm.unitOffset !== keyNorm.unitOffset) return undefined
  const { eps, unitOffset } = queryNorm
  return pass.rotateAndAttend?.(
    heads,
    { angles: rotation, style: rotation.style, queryNorm: queryNorm.weight, keyNorm: keyNorm.weight, eps, unitOffset },
    scores,
  )
}

/** Normalizes and rotates queries and keys. */
function prepareHeads(
  { query, key, value }: Heads,
  { queryNorm, keyNorm, rotation, headDim }: Attention,
  { positions, report }: LayerPass,
): Heads {
  const prepare = (projected: Tensor, norm: Norm | undefined, name: string): Tensor => {
    const [, tokens = 0, count = 0] = projected.shape
    const flat = reshape(projected, [tokens, count * headDim])
    report(name, flat)
    let prepared = projected
    if (norm) {
      prepared =
        norm.weight.shape[0] === headDim ? normalize(projected, norm) : reshape(normalize(flat, norm), projected.shape)
      report(`${name}_norm`, prepared)
    }
    if (rotation) {
      prepared = rope(prepared, rotation.cos, rotation.sin, positions, { style: rotation.style })
      report(`${name}_rope`, prepared)
    }
    return prepared
  }
  return { query: prepare(query, queryNorm, 'q'), key: prepare(key, keyNorm, 'k'), value }
}
