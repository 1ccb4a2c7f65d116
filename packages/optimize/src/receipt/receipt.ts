import type { Activations } from '@tessera-llm/kernels'
import type { Divergence, EmbeddingAgreement } from '@tessera-llm/evaluation'
import { TesseraError } from '@tessera-llm/tensor'
import * as v from 'valibot'
import type { Recipe } from '../recipe/index.ts'

/** A file that took part, found again by its hash. */
export interface ReceiptFile {
  /** As it was named on the command line. */
  readonly path: string
  readonly bytes: number
  /** Of the file's bytes, in hexadecimal digits. */
  readonly sha256: string
}

export interface ReceiptSpeed {
  /** How inputs of linear layers were held while it was timed: what a session does on this device unless told otherwise. */
  readonly activations: Activations
  readonly promptTokensPerSecond: number
  readonly decodeTokensPerSecond: number
}

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
  /** Bytes of the caches that held a window, where the recipe says how the compressed model's is kept. */
  readonly cacheBytes?: { readonly original: number; readonly compressed: number } | undefined
}

/** How an encoder's vectors of sentences of a text differ from the original's, which computes in f32. */
export interface ReceiptEmbeddings extends EmbeddingAgreement {
  readonly text: ReceiptFile
  /** Of the compressed model: the recipe's, or the device's own. */
  readonly activations: Activations
}

export interface ReceiptEmbeddingSpeed {
  readonly activations: Activations
  readonly sentencesPerSecond: number
}

/** What was made of what, how, what it cost and what it gained: enough to do it again and to see whether the same comes out. */
export interface Receipt {
  readonly receipt: 1
  readonly input: ReceiptFile
  readonly output: ReceiptFile
  readonly calibration?: (ReceiptFile & { readonly windows: number; readonly window: number }) | undefined
  readonly recipe: Recipe
  /** Where the recipe's formats were chosen for a size: that size, and the divergence that the choice was predicted to cost, the sum over weights. */
  readonly budget?: { readonly bytes: number; readonly predictedKld: number } | undefined
  readonly seed: number
  readonly versions: Readonly<Record<string, string>>
  readonly device: { readonly kind: string; readonly name: string; readonly kernels: readonly string[] }
  /** Bytes of tensors by class. */
  readonly bytes: Readonly<
    Record<string, { readonly tensors: number; readonly before: number; readonly after: number }>
  >
  /** Absent where no text was given to evaluate on. */
  readonly quality?: ReceiptQuality | undefined
  readonly speed?: { readonly before: ReceiptSpeed; readonly after: ReceiptSpeed } | undefined
  /** The same of an encoder. */
  readonly embeddings?: ReceiptEmbeddings | undefined
  readonly embeddingSpeed?:
    | { readonly before: ReceiptEmbeddingSpeed; readonly after: ReceiptEmbeddingSpeed }
    | undefined
  readonly peakRssBytes: number
  readonly seconds: { readonly apply: number; readonly total: number }
  /** What went otherwise than asked. */
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
