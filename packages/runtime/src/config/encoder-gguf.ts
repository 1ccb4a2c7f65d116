import { TesseraError } from '@tessera-llm/tensor'
import { checkSizes } from './check-sizes.ts'
import type { EncoderConfig } from './config.ts'
import { type Fields, readFields } from './fields.ts'
import { architectureFields } from './gguf-fields.ts'

/** What the tensors of a file tell and its metadata may leave out. */
export interface GgufEncoderFacts {
  readonly vocabSize: number
  /** Rows of the table of segments; 0 where there is none. */
  readonly tokenTypes: number
}

/** Reads the keys `bert.*` of a GGUF file. No key says the activation: it is BERT's exact GELU. */
export function encoderConfigFromGguf(metadata: Fields, { vocabSize, tokenTypes }: GgufEncoderFacts): EncoderConfig {
  const architecture = readFields(metadata, 'GGUF metadata').string('general.architecture')
  const fields = architectureFields(metadata, architecture)
  const numLayers = fields.integer('block_count')
  const hiddenSize = fields.integer('embedding_length')
  const numHeads = fields.integer('attention.head_count')
  const numKvHeads = fields.integer('attention.head_count_kv', numHeads)
  const headDim = Math.floor(hiddenSize / numHeads)
  checkSizes('GGUF metadata', numLayers, hiddenSize, numHeads, numKvHeads, headDim)
  if (fields.boolean('attention.causal', false)) throw new TesseraError('unsupported', `GGUF metadata: ${architecture}.attention.causal is true; an encoder's tokens see each other on both sides`)
  return {
    architecture,
    numLayers,
    hiddenSize,
    intermediateSize: fields.integer('feed_forward_length'),
    numHeads,
    numKvHeads,
    headDim,
    vocabSize,
    contextLength: fields.integer('context_length'),
    normEps: fields.number('attention.layer_norm_epsilon'),
    activation: 'gelu-erf',
    ropes: Array.from({ length: numLayers }, () => undefined),
    tokenTypes,
  }
}
