import { type Activations, matmul } from '@tessera-llm/kernels'
import { TesseraError } from '@tessera-llm/tensor'
import type { Encoder } from '../family/index.ts'
import { yieldToEventLoop } from '../session/index.ts'
import type { Tokenizer } from '../tokenizer/index.ts'
import { packSequences } from './pack-sequences.ts'
import type { Pooling, SentenceConfig } from './sentence-config.ts'

/** Options of `Embedder.embed`. */
export interface EmbedOptions {
  readonly signal?: AbortSignal | undefined
  /** Called after each batch. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
  /** Tokens that are computed at once: texts of a batch share the reading of the weights. Default 1024. */
  readonly batchTokens?: number | undefined
}

/** Options of `createEmbedder`. */
export interface EmbedderOptions {
  /**
   * Rounding of the inputs of packed linear layers. Default: `int8` on WebAssembly, where products of small integers
   * are faster, `f32` elsewhere. Dense weights are unaffected.
   */
  readonly activations?: Activations | undefined
}

/** Maps texts to vectors whose cosine measures how close the texts are in meaning. */
export interface Embedder {
  readonly encoder: Encoder
  readonly activations: Activations
  /** Length of the vectors. */
  readonly dimensions: number
  /** Length at which texts are truncated, in tokens, special ones included. */
  readonly maxTokens: number
  /**
   * One f32 vector `[dimensions]` for each text, in order. A list of token ids is used unchanged: no special tokens are
   * added, nothing is truncated.
   *
   * @throws TesseraError `invalid-value` for token ids outside the vocabulary or too many of them, `invalid-option`, or
   *   `aborted` by the signal
   */
  embed(texts: readonly (string | readonly number[])[], options?: EmbedOptions): Promise<Float32Array[]>
}

/**
 * Composes an encoder and its tokenizer. The texts of a batch are packed one after another, so that short texts need no
 * padding.
 */
export function createEmbedder(
  encoder: Encoder,
  tokenizer: Tokenizer,
  config: SentenceConfig,
  options: EmbedderOptions = {},
): Embedder {
  const { device } = encoder
  const { activations = device.kind === 'wasm' ? 'int8' : 'f32' } = options
  const { hiddenSize, contextLength, vocabSize } = encoder.config
  const maxTokens = Math.min(config.maxTokens ?? contextLength, contextLength)
  // A model without a tokenizer accepts only token ids.
  let special: ReturnType<typeof specialTokens> | undefined
  const encode = (text: string): readonly number[] => {
    special ??= specialTokens(tokenizer)
    const { before, after } = special
    // Parses special tokens in a text, as sentence-transformers does.
    const ids = tokenizer.encode(text, { addSpecial: false, parseSpecial: true })
    return [...before, ...ids.slice(0, maxTokens - before.length - after.length), ...after]
  }
  const idsOf = (text: unknown, index: number): readonly number[] => {
    if (typeof text === 'string') return encode(text)
    if (!Array.isArray(text))
      throw new TesseraError(
        'invalid-value',
        `embed: text ${index} must be a string or a list of token ids, not ${typeof text}`,
      )
    if (text.length === 0 || text.length > maxTokens)
      throw new TesseraError(
        'invalid-value',
        `embed: the token ids ${index} must be 1 to ${maxTokens}, which the encoder reads, but are ${text.length}`,
      )
    const wrong = text.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabSize)
    if (wrong !== undefined)
      throw new TesseraError(
        'invalid-value',
        `embed: the token id ${wrong} is not in the vocabulary (0 … ${vocabSize - 1}); was the text encoded with another model's tokenizer?`,
      )
    return text
  }

  const embedBatch = async (sequences: readonly (readonly number[])[]): Promise<Float32Array> => {
    // Texts without a token occur with a tokenizer that adds none.
    if (sequences.every(({ length }) => length === 0)) return new Float32Array(sequences.length * hiddenSize)
    const packed = packSequences(device, sequences)
    const pooled = device.scope((scope) => {
      const hidden = encoder.forward(packed, { activations })
      const shares = poolingShares(sequences, config.pooling)
      return scope.keep(matmul(device.tensor(shares, [sequences.length, shares.length / sequences.length]), hidden))
    })
    try {
      return (await device.read(pooled)) as Float32Array
    } finally {
      for (const tensor of [...Object.values(packed), pooled]) tensor?.dispose()
    }
  }

  return {
    encoder,
    activations,
    dimensions: hiddenSize,
    maxTokens,

    async embed(texts, { signal, onProgress, batchTokens = 1024 } = {}) {
      if (!(batchTokens >= 1))
        throw new TesseraError('invalid-option', `embed: batchTokens must be at least 1, not ${batchTokens}`)
      const vectors: Float32Array[] = []
      while (vectors.length < texts.length) {
        if (signal?.aborted)
          throw new TesseraError(
            'aborted',
            `embed: aborted by the caller after ${vectors.length} of ${texts.length} texts`,
          )
        const batch = takeBatch(texts, vectors.length, batchTokens, idsOf)
        const pooled = await embedBatch(batch)
        for (let row = 0; row < batch.length; row++) {
          const vector = pooled.slice(row * hiddenSize, (row + 1) * hiddenSize)
          vectors.push(config.isNormalized ? normalized(vector) : vector)
        }
        onProgress?.(vectors.length, texts.length)
        await yieldToEventLoop()
      }
      return vectors
    },
  }
}

/** Texts from `begin` on that fill a batch; at least one. */
function takeBatch(
  texts: readonly unknown[],
  begin: number,
  batchTokens: number,
  idsOf: (text: unknown, index: number) => readonly number[],
): (readonly number[])[] {
  const batch: (readonly number[])[] = []
  let tokens = 0
  for (let index = begin; index < texts.length; index++) {
    const ids = idsOf(texts[index], index)
    if (batch.length > 0 && tokens + ids.length > batchTokens) break
    batch.push(ids)
    tokens += ids.length
  }
  return batch
}

/** Pooling matrix f32 [N, T]: row n holds the weight of each token's state in the vector of sequence n. */
function poolingShares(sequences: readonly (readonly number[])[], pooling: Pooling): Float32Array {
  const tokens = sequences.reduce((sum, { length }) => sum + length, 0)
  const shares = new Float32Array(sequences.length * tokens)
  let start = 0
  for (const [row, { length }] of sequences.entries()) {
    const at = row * tokens + start
    // An empty sequence has no first or last token; the neighbouring tokens belong to other sequences.
    if (length === 0) continue
    if (pooling === 'first') shares[at] = 1
    else if (pooling === 'last') shares[at + length - 1] = 1
    else shares.fill(1 / (pooling === 'mean' ? length : Math.sqrt(length)), at, at + length)
    start += length
  }
  return shares
}

/** The special tokens that the tokenizer adds to a text: `[CLS]` and `[SEP]`. */
function specialTokens(tokenizer: Tokenizer): {
  readonly before: readonly number[]
  readonly after: readonly number[]
} {
  const bare = tokenizer.encode('a', { addSpecial: false })
  const whole = tokenizer.encode('a')
  const begin = whole.findIndex((_, index) => bare.every((id, offset) => whole[index + offset] === id))
  return { before: whole.slice(0, begin), after: whole.slice(begin + bare.length) }
}

/** Scales a vector to length 1; a zero vector stays zero. */
function normalized(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0))
  return length > 0 ? vector.map((value) => value / length) : vector
}
