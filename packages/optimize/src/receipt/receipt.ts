import type { Activations } from '@tessera-llm/kernels'
import type { Divergence, EmbeddingAgreement } from '@tessera-llm/evaluation'
import { TesseraError } from '@tessera-llm/tensor'
import * as v from 'valibot'
import type { Recipe } from '../recipe/index.ts'

/** An input or output file, identified by its hash. */
export interface ReceiptFile {
  /** Path as the user gave it. */
  readonly path: string
  readonly bytes: number
  /** SHA-256 of the file's bytes in hexadecimal. */
  readonly sha256: string
}

/** Measured speeds of a decoder. */
export interface ReceiptSpeed {
  /** Rounding of the inputs of linear layers in the timed session: the device's default, unless the recipe sets it. */
  readonly activations: Activations
  readonly promptTokensPerSecond: number
  readonly decodeTokensPerSecond: number
}

/**
 * Measured quality of a compressed decoder on a text, and the speeds of both models. Divergences are in nats a token.
 */
export interface ReceiptQuality
  extends Pick<
    Divergence,
    'kld' | 'kldStandardError' | 'kldStandardErrorClustered' | 'top1Agreement' | 'tokens' | 'original' | 'compared'
  > {
  readonly text: ReceiptFile
  readonly windows: number
  readonly window: number
  readonly protocol: 'all' | 'second-half'
  readonly activations: Activations
  /** Bytes of the caches that held a window, if the recipe sets the cache of the compressed model. */
  readonly cacheBytes?: { readonly original: number; readonly compressed: number } | undefined
}

/** Difference of an encoder's vectors, on sentences of a text, from those of the original in f32. */
export interface ReceiptEmbeddings extends EmbeddingAgreement {
  readonly text: ReceiptFile
  /** Rounding in the compressed model: the recipe's, or the device's default. */
  readonly activations: Activations
}

/** Measured speed of an encoder. */
export interface ReceiptEmbeddingSpeed {
  readonly activations: Activations
  readonly sentencesPerSecond: number
}

/** Inputs, recipe, costs and gains of a compression: enough to repeat it and compare the result. */
export interface Receipt {
  readonly receipt: 1
  readonly input: ReceiptFile
  readonly output: ReceiptFile
  readonly calibration?: (ReceiptFile & { readonly windows: number; readonly window: number }) | undefined
  readonly recipe: Recipe
  /**
   * For a recipe whose formats were chosen for a size: that size, and the predicted divergence, the sum over weights.
   */
  readonly budget?: { readonly bytes: number; readonly predictedKld: number } | undefined
  readonly seed: number
  readonly versions: Readonly<Record<string, string>>
  readonly device: { readonly kind: string; readonly name: string; readonly kernels: readonly string[] }
  /** Bytes of tensors by class. */
  readonly bytes: Readonly<
    Record<string, { readonly tensors: number; readonly before: number; readonly after: number }>
  >
  /** Absent without an evaluation text. */
  readonly quality?: ReceiptQuality | undefined
  readonly speed?: { readonly before: ReceiptSpeed; readonly after: ReceiptSpeed } | undefined
  /** The measured quality of an encoder. */
  readonly embeddings?: ReceiptEmbeddings | undefined
  readonly embeddingSpeed?:
    | { readonly before: ReceiptEmbeddingSpeed; readonly after: ReceiptEmbeddingSpeed }
    | undefined
  readonly peakRssBytes: number
  readonly seconds: { readonly apply: number; readonly total: number }
  /** Deviations from the request. */
  readonly notes: readonly string[]
}

const file = v.looseObject({
  path: v.string(),
  bytes: v.number(),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
})
const schema = v.looseObject({
  receipt: v.literal(1),
  input: file,
  output: file,
  calibration: v.optional(file),
  recipe: v.looseObject({}),
  seed: v.number(),
  device: v.looseObject({ kind: v.string(), name: v.string() }),
  quality: v.optional(
    v.looseObject({
      text: file,
      windows: v.number(),
      window: v.number(),
      kld: v.number(),
      kldStandardErrorClustered: v.nullable(v.number()),
    }),
  ),
  embeddings: v.optional(
    v.looseObject({ text: file, texts: v.number(), cosine: v.number(), cosineStandardError: v.nullable(v.number()) }),
  ),
})

/** @throws TesseraError `invalid-file` for a text that is no receipt, naming the field */
export function parseReceipt(text: string): Receipt {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new TesseraError('invalid-file', `receipt: not JSON (${(cause as Error).message})`, { cause })
  }
  const result = v.safeParse(schema, value)
  if (result.success) return value as Receipt
  const [issue] = result.issues
  throw new TesseraError(
    'invalid-file',
    `receipt: ${v.getDotPath(issue) ?? 'it'} is ${JSON.stringify(issue.input) ?? 'missing'}, but must be ${issue.expected}; is it a receipt of tessera optimize?`,
  )
}
