import type { Recipe } from '@tessera-llm/optimize'
import type { Machine } from '../machine/index.ts'
import type { Anchor } from './anchors.ts'

export interface MeasuredRow {
  readonly id: string
  /** As it was applied: with the formats that a budget was given. */
  readonly recipe: Recipe
  /** The recipe whose budget was open, the row whose bytes it is kept to, and the divergence that was predicted. */
  readonly budget?: { readonly recipe: Recipe; readonly sameBytesAs: string; readonly predictedKld: number } | undefined
  /** Of a recipe with a cache: keys and values of a window. */
  readonly cacheBytes?: number | undefined
  readonly anchor?: Anchor | undefined
  /** Weights of the matrices that were compressed, and their bytes with scales and zero points. */
  readonly weights: number
  readonly bytes: number
  /** Of all tensors, or of the file where one was written. */
  readonly fileBytes: number
  /** Where embedding or head were compressed too: their loss is in the figures, so that other rows are no match. */
  readonly hasEmbedding?: true | undefined
  readonly bitsPerWeight: number
  /** KL(original ‖ compressed) in nats, and its standard error with windows as clusters. */
  readonly kld: number
  readonly kldStandardError: number
  readonly perplexity: number
  readonly top1Agreement: number
  readonly tokens: number
  /** Sum of the divergences of each window, to compare two rows window by window; receipts do not have them. */
  readonly divergence?: readonly number[] | undefined
  readonly seconds: { readonly apply: number; readonly measure?: number | undefined }
  readonly notes: readonly string[]
  /** Activations were those of the original model. */
  readonly isStatic?: true | undefined
  /** Measured by `tessera optimize` with the file that it wrote. */
  readonly isReceipt?: true | undefined
}

/** What `bin/compression.js` measured, as it is committed. */
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
