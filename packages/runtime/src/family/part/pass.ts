import type { CacheRotation } from '@tessera-llm/attention'
import type { Tensor } from '@tessera-llm/tensor'
import type { ForwardOptions } from '../model.ts'
import type { Attention } from './attention.ts'

/** How linear layers round their inputs, and who looks on. */
export type BlockOptions = Pick<ForwardOptions, 'activations' | 'observe'>

/** Queries, keys and values of T tokens: each f32[1, T, heads, headDim]. */
export interface Heads {
  readonly query: Tensor
  readonly key: Tensor
  readonly value: Tensor
}

/** What the blocks of one layer get in a forward pass, beside their input. */
export interface LayerPass {
  /** Absolute positions of the tokens, i32 `[1, T]`. */
  readonly positions: Tensor
  readonly options: BlockOptions
  /** Lets every query see what it may: keys in a cache, or in its own sequence. Returns f32[1, T, numHeads, headDim]. */
  attend(heads: Heads, scores: Attention['scores']): Tensor
  /** The same with heads that are neither normalised nor rotated yet; undefined where that takes ops of its own. Changes `heads.query`. */
  rotateAndAttend?(
    heads: Heads,
    rotation: Omit<CacheRotation, 'positions'>,
    scores: Attention['scores'],
  ): Tensor | undefined
  /** Calls `options.observe`, with the layer before the name. */
  report(name: string, tensor: Tensor): void
}
