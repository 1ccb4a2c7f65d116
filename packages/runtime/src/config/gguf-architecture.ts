import { checkSizes } from './check-sizes.ts'
import type { TransformerConfig } from './config.ts'
import { type FieldReader, type Fields, readFields } from './fields.ts'

/** The keys `<architecture>.*` of a GGUF file that all transformers share. */
export interface GgufArchitecture {
  readonly architecture: string
  /** Reads the architecture's keys by the part after the point. */
  readonly fields: FieldReader
  readonly sizes: Pick<
    TransformerConfig,
    'numLayers' | 'hiddenSize' | 'intermediateSize' | 'numHeads' | 'numKvHeads' | 'headDim' | 'contextLength'
  >
}

/** @throws TesseraError `invalid-file` for sizes that make no transformer */
export function readGgufArchitecture(metadata: Fields): GgufArchitecture {
  const architecture = readFields(metadata, 'GGUF metadata').string('general.architecture')
  const prefix = `${architecture}.`
  const own: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(metadata)) {
    if (key.startsWith(prefix)) own[key.slice(prefix.length)] = typeof value === 'bigint' ? Number(value) : value
  }
  const fields = readFields(own, `GGUF metadata (${architecture})`)
  const numLayers = fields.integer('block_count')
  const hiddenSize = fields.integer('embedding_length')
  const numHeads = fields.integer('attention.head_count')
  const numKvHeads = fields.integer('attention.head_count_kv', numHeads)
  const headDim = fields.integer('attention.key_length', Math.floor(hiddenSize / numHeads))
  checkSizes('GGUF metadata', numLayers, hiddenSize, numHeads, numKvHeads, headDim)
  return {
    architecture,
    fields,
    sizes: {
      numLayers,
      hiddenSize,
      intermediateSize: fields.integer('feed_forward_length'),
      numHeads,
      numKvHeads,
      headDim,
      contextLength: fields.integer('context_length'),
    },
  }
}
