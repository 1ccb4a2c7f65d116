import type { CacheRotation } from '@tessera-llm/attention'
import type { Tensor } from '@tessera-llm/tensor'
import type { ForwardOptions } from '../model.ts'
import type { Attention } from './attention.ts'

/** Rounding of the inputs of linear layers, and the observer of intermediate tensors. */
export type BlockOptions = Pick<ForwardOptions, 'activations' | 'observe'>

/** Queries, keys and values of T tokens: each f32[1, T, heads, headDim]. */
export interface Heads {
  readonly query: Tensor
  readonly key: Tensor
  readonly value: Tensor
}

/** Context of one layer's blocks in a forward pass, beside their input. */
export interface LayerPass {
  /** Absolute positions of the tokens, i32 `[1, T]`. */
  readonly positions: Tensor
  readonly options: BlockOptions
  /**
   * Attends every query to the keys that it may see: those in a cache, or in its own sequence. Returns f32[1, T,
   * numHeads, headDim].
   */
  attend(heads: Heads, scores: Attention['scores']): Tensor
  /**
   * `attend` for heads that are not normalized and rotated yet. Overwrites `heads.query`. Undefined if separate ops
   * must do it.
   */
  rotateAndAttend?(
    heads: Heads,
    rotation: Omit<CacheRotation, 'positions'>,
    scores: Attention['scores'],
  ): Tensor | undefined
  /** Calls `options.observe` with the layer's prefix and the name. */
  report(name: string, tensor: Tensor): void
}
