import type { CacheAttention } from '@tessera-llm/attention'
import { rope } from '@tessera-llm/kernels'
import { reshape, type Tensor } from '@tessera-llm/tensor'
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
  /** Before the rotation: over each head, or, where the norm is as wide as the projection, over all heads together. */
  readonly queryNorm?: Norm | undefined
  readonly keyNorm?: Norm | undefined
  readonly rotation?: Rotation | undefined
  readonly numHeads: number
  readonly numKvHeads: number
  readonly headDim: number
  /** What the scores are subject to. */
  readonly scores: CacheAttention
}

/** x f32[T, D] → f32[T, D], plus `residual` where given. */
export function attend(x: Tensor, block: Attention, pass: LayerPass, residual?: Tensor): Tensor {
  const o = pass.attend(projectHeads(x, block, pass), block.scores)
  const attended = reshape(o, [x.shape[0] ?? 0, block.numHeads * block.headDim])
  pass.report('attn_heads', attended)
  return project(attended, block.output, pass.options, residual)
}

/** Queries, keys and values of x f32[T, D]: projected, normalized, rotated. */
function projectHeads(x: Tensor, block: Attention, { positions, options, report }: LayerPass): Heads {
  const { numHeads, numKvHeads, headDim, rotation } = block
  const heads = (flat: Tensor, count: number): Tensor => reshape(flat, [1, x.shape[0] ?? 0, count, headDim])
  const prepare = (flat: Tensor, count: number, norm: Norm | undefined, name: string): Tensor => {
    report(name, flat)
    let prepared = heads(flat, count)
    if (norm) {
      prepared = norm.weight.shape[0] === headDim ? normalize(prepared, norm) : heads(normalize(flat, norm), count)
      report(`${name}_norm`, prepared)
    }
    if (rotation) {
      prepared = rope(prepared, rotation.cos, rotation.sin, positions, { style: rotation.style })
      report(`${name}_rope`, prepared)
    }
    return prepared
  }
  const q = project(x, block.query, options)
  const k = project(x, block.key, options)
  const v = project(x, block.value, options)
  report('v', v)
  return { query: prepare(q, numHeads, block.queryNorm, 'q'), key: prepare(k, numKvHeads, block.keyNorm, 'k'), value: heads(v, numKvHeads) }
}
