import type { Device, Tensor } from '@tessera-llm/tensor'
import type { AttentionCall } from '../attention/index.ts'
import type { RopeAppendInputs, RopeAppendOptions } from '../rope-append/index.ts'

/** Sizes of one layer's keys and values. */
export interface CacheLayer {
  readonly numKvHeads: number
  readonly headDim: number
  /** Value head size. Default: `headDim`. */
  readonly valueDim?: number | undefined
  /** Tokens that a query sees, its own included. Default: all. */
  readonly window?: number | undefined
}

/** Sizes of a cache. */
export interface CacheSizes {
  readonly layers: readonly CacheLayer[]
  /** Sequences, which advance together. */
  readonly batch: number
  /** Tokens per sequence that the cache has room for. */
  readonly capacity: number
  /**
   * Most tokens per sequence that one step appends. Default: `capacity`. Layers with a window keep this many rows
   * beside the window.
   */
  readonly chunkTokens?: number | undefined
}

/** Storage of rows, chosen by the caller. Layers determine the sizes. */
export interface CacheKind {
  readonly name: string
  create(device: Device, sizes: CacheSizes): KvCache
  /** Bytes that `create` allocates on a device of this kind. */
  byteLength(sizes: CacheSizes, device: Device['kind']): number
}

/** Positions of a step's tokens. They are tensors, so that a captured step can be replayed for the next one. */
export interface CacheStep {
  /** i32[B]: position of the step's first token. */
  readonly start: Tensor
  /** i32[B]: tokens in the cache after the step, start + L. */
  readonly lengths: Tensor
}

/** Attention options and inputs that do not depend on the cache. */
export type CacheAttention = Pick<AttentionCall, 'scale' | 'softcap' | 'sinks' | 'alibiSlopes'>

/** Rotation of a step's heads, and normalization before it, as in `rope-append`. */
export type CacheRotation = RopeAppendOptions &
  Pick<RopeAppendInputs, 'positions' | 'queryNorm' | 'keyNorm'> & {
    readonly angles: Pick<RopeAppendInputs, 'cos' | 'sin'>
  }

/** Keys and values of one layer. A step first appends its tokens and then attends, to itself too. */
export interface LayerCache {
  /** Stores k f32[B, L, Hkv, D] and v f32[B, L, Hkv, Dv] of the step's tokens. */
  append(k: Tensor, v: Tensor, step: CacheStep): void
  /**
   * Replaces `append` for heads that are not rotated yet: rotates q f32[B, L, Hq, D] in place and stores k and v, in
   * one call. Returns false, having done nothing, if the device has no kernel for it. Absent if rows are not stored as
   * they are.
   */
  appendRotated?(heads: Pick<RopeAppendInputs, 'q' | 'k' | 'v'>, rotation: CacheRotation): boolean
  /**
   * Causal attention of the step's q f32[B, L, Hq, D] within the layer's window → o f32[B, L, Hq, Dv], which the caller
   * owns.
   */
  attend(q: Tensor, step: CacheStep, options?: CacheAttention): Tensor
}

/**
 * Memory for the keys and values of sequences. A step is `prepare` on the host, then `append` and `attend` of every
 * layer, eager or replayed: `prepare` changes tensors, not the recorded launches.
 */
export interface KvCache {
  readonly kind: CacheKind
  readonly sizes: CacheSizes
  readonly capacity: number
  /** Bytes allocated on the device now. */
  readonly byteLength: number
  layer(index: number): LayerCache
  /**
   * Makes room for `count` tokens from position `start` on, and drops earlier tokens from there on. Throws
   * `context-full` if they do not fit, and `invalid-value` if `start` is beyond the cached tokens or cannot be returned
   * to (see `truncate`).
   */
  prepare(start: number, count: number): void
  /** Number of cached tokens. */
  readonly length: number
  /**
   * Drops the tokens from `length` on and returns how many are left: fewer than `length` if rows that the next token
   * needs are gone, such as rows that a ring has overwritten. The missing tokens must be recomputed.
   */
  truncate(length: number): number
  /**
   * Drops a step at `start` that was prepared but not appended by all layers; otherwise like `truncate(start)`. A cache
   * that packs tokens in groups starts empty, since its layers differ.
   */
  abandon(start: number): number
  /** Returns an independent copy with the same sizes, or with room for `capacity` tokens. */
  fork(capacity?: number): Promise<KvCache>
  dispose(): void
}
