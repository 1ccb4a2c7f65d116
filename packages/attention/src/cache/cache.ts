import type { Device, Tensor } from '@tessera-llm/tensor'
import type { AttentionCall } from '../attention/index.ts'
import type { RopeAppendInputs, RopeAppendOptions } from '../rope-append/index.ts'

/** What the keys and values of one layer need. */
export interface CacheLayer {
  readonly numKvHeads: number
  readonly headDim: number
  /** Value head size; that of the keys when absent. */
  readonly valueDim?: number | undefined
  /** Tokens that a query sees, its own included; all of them when absent. */
  readonly window?: number | undefined
}

export interface CacheSizes {
  readonly layers: readonly CacheLayer[]
  /** Sequences, which move together. */
  readonly batch: number
  /** Tokens of a sequence that the cache has room for. */
  readonly capacity: number
  /** Most tokens of a sequence that one step appends; `capacity` when absent. Layers with a window keep so many rows beside the window. */
  readonly chunkTokens?: number | undefined
}

/** A way to keep keys and values: what a caller picks. It decides how rows are stored, the layers decide what is needed. */
export interface CacheKind {
  readonly name: string
  create(device: Device, sizes: CacheSizes): KvCache
  /** Bytes that `create` will allocate on such a device. */
  byteLength(sizes: CacheSizes, device: Device['kind']): number
}

/** Where the tokens of a step stand; tensors, so that a captured step can be replayed for the next one. */
export interface CacheStep {
  /** i32[B]: position of the step's first token. */
  readonly start: Tensor
  /** i32[B]: tokens in the cache after the step, start + L. */
  readonly lengths: Tensor
}

export type CacheAttention = Pick<AttentionCall, 'scale' | 'softcap' | 'sinks' | 'alibiSlopes'>

/** How the heads of a step's tokens are rotated, and normalised before that, as in `rope-append`. */
export type CacheRotation = RopeAppendOptions &
  Pick<RopeAppendInputs, 'positions' | 'queryNorm' | 'keyNorm'> & {
    readonly angles: Pick<RopeAppendInputs, 'cos' | 'sin'>
  }

/** Keys and values of one layer. A step appends its tokens first and then attends, to itself too. */
export interface LayerCache {
  /** Stores k f32[B, L, Hkv, D] and v f32[B, L, Hkv, Dv] of the step's tokens. */
  append(k: Tensor, v: Tensor, step: CacheStep): void
  /**
   * Instead of `append`, of heads that still have to be rotated: changes q f32[B, L, Hq, D] in place and stores k and v, by one call. False, with
   * nothing done, where the device has no kernel for it; absent where the rows are not stored as they are.
   */
  appendRotated?(heads: Pick<RopeAppendInputs, 'q' | 'k' | 'v'>, rotation: CacheRotation): boolean
  /** Causal attention of q f32[B, L, Hq, D], the step's tokens, within the layer's window → o f32[B, L, Hq, Dv], which belongs to the caller. */
  attend(q: Tensor, step: CacheStep, options?: CacheAttention): Tensor
}

/**
 * Memory for the keys and values of sequences. A step is: `prepare` on the host, then `append` and `attend` of every layer, eagerly or
 * replayed: what `prepare` changes lies in tensors.
 */
export interface KvCache {
  readonly kind: CacheKind
  readonly sizes: CacheSizes
  readonly capacity: number
  /** Bytes on the device now. */
  readonly byteLength: number
  layer(index: number): LayerCache
  /**
   * Makes room for `count` tokens from position `start` on; tokens from there on are given up. Throws `context-full` where they do not fit, and `invalid-value` where
   * `start` is beyond what the cache holds or is a place that it cannot go back to (see `truncate`).
   */
  prepare(start: number, count: number): void
  /** Tokens that it holds. */
  readonly length: number
  /**
   * Gives up the tokens from `length` on, and returns how many are left: fewer than `length` where rows that the next token would need are
   * gone, as the rows that a ring has overwritten. Those have to be computed again.
   */
  truncate(length: number): number
  /**
   * Gives up a step from `start` on that was prepared and that not all layers have appended; otherwise as `truncate(start)`. A cache that
   * packs tokens in groups begins anew, since its layers are no longer alike.
   */
  abandon(start: number): number
  /** A copy of its own, with the same sizes or room for `capacity` tokens. */
  fork(capacity?: number): Promise<KvCache>
  dispose(): void
}
