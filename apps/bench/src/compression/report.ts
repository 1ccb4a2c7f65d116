import type { Recipe } from '@tessera-llm/optimize'
import type { Machine } from '../machine/index.ts'
import type { Anchor } from './anchors.ts'

export interface MeasuredRow {
  readonly id: string
  /** The recipe as applied, with the formats that the budget chose. */
  readonly recipe: Recipe
  /** For a budget: the row whose bytes it must match, and the predicted divergence. */
  readonly budget?: { readonly recipe: Recipe; readonly sameBytesAs: string; readonly predictedKld: number } | undefined
  /** For a recipe with a cache: bytes of a window's keys and values. */
  readonly cacheBytes?: number | undefined
  readonly anchor?: Anchor | undefined
  /** Number of weights in compressed matrices, and their bytes with scales and zero points. */
  readonly weights: number
  readonly bytes: number
  /** Bytes of all tensors, or of the file if one was written. */
  readonly fileBytes: number
  /** Whether embedding or head were compressed too: their loss is included, so other rows are not comparable. */
  readonly hasEmbedding?: true | undefined
  readonly bitsPerWeight: number
  /** KL(original ‖ compressed) in nats, and its standard error with windows as clusters. */
  readonly kld: number
  readonly kldStandardError: number
  readonly perplexity: number
  readonly top1Agreement: number
  readonly tokens: number
  /** Sum of divergences per window, to compare two rows window by window; receipts lack it. */
  readonly divergence?: readonly number[] | undefined
  readonly seconds: { readonly apply: number; readonly measure?: number | undefined }
  readonly notes: readonly string[]
  /** Whether the calibration activations were those of the original model. */
  readonly isStatic?: true | undefined
  /** Whether `tessera optimize` measured it with the file that it wrote. */
  readonly isReceipt?: true | undefined
}

/** Results of `bin/compression.js`, as committed. */
export interface CompressionReport {
  readonly schema: 1
  readonly date: string
  readonly machine: Machine
  readonly threads: number
  readonly model: { readonly name: string; readonly sha256: string; readonly perplexity: number }
  readonly protocol: {
    readonly calibration: string
    readonly evaluation: string
    readonly window: number
    readonly windows: number
  }
  readonly rows: readonly MeasuredRow[]
}
