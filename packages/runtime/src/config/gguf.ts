import { TesseraError } from '@tessera-llm/tensor'
import type { ModelConfig, RopeScaling } from './config.ts'
import { type Fields, type FieldReader, readFields } from './fields.ts'

/** What the tensors of a file tell that its metadata may leave out. */
export interface GgufFacts {
  readonly vocabSize: number
  readonly tiedHead: boolean
}

/** Reads the keys `<architecture>.*` of a GGUF file (ggml's GGUF specification, 2023–2026). */
export function configFromGguf(metadata: Fields, facts: GgufFacts): ModelConfig {
  const architecture = readFields(metadata, 'GGUF metadata').string('general.architecture')
  const prefix = `${architecture}.`
  const own: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(metadata)) {
    if (key.startsWith(prefix)) own[key.slice(prefix.length)] = typeof value === 'bigint' ? Number(value) : value
  }
  const fields = readFields(own, `GGUF metadata (${architecture})`)
  const hiddenSize = fields.integer('embedding_length')
  const numHeads = fields.integer('attention.head_count')
  const numKvHeads = fields.integer('attention.head_count_kv', numHeads)
  const headDim = fields.integer('attention.key_length', Math.floor(hiddenSize / numHeads))
  checkHeads('GGUF metadata', hiddenSize, numHeads, numKvHeads, headDim)
  return {
    architecture,
    numLayers: fields.integer('block_count'),
    hiddenSize,
    intermediateSize: fields.integer('feed_forward_length'),
    numHeads,
    numKvHeads,
    headDim,
    vocabSize: facts.vocabSize,
    contextLength: fields.integer('context_length'),
    normEps: fields.number('attention.layer_norm_rms_epsilon'),
    rope: {
      theta: fields.number('rope.freq_base', 10000),
      rotaryDim: fields.integer('rope.dimension_count', headDim),
      style: 'gptj',
      scaling: ggufScaling(fields),
    },
    tiedHead: facts.tiedHead,
  }
}

/** Throws unless the head counts and sizes make an attention layer. */
export function checkHeads(source: string, hiddenSize: number, numHeads: number, numKvHeads: number, headDim: number): void {
  if (hiddenSize < 1 || numHeads < 1 || numKvHeads < 1 || headDim < 1) {
    throw new TesseraError('invalid-file', `${source}: hidden size (${hiddenSize}), head count (${numHeads}), KV head count (${numKvHeads}) and head size (${headDim}) must be positive`)
  }
  if (numHeads % numKvHeads !== 0) {
    throw new TesseraError('invalid-file', `${source}: the head count (${numHeads}) must be a multiple of the KV head count (${numKvHeads})`)
  }
}

function ggufScaling(fields: FieldReader): RopeScaling {
  const type = fields.string('rope.scaling.type', 'none')
  switch (type) {
    case 'none':
      return { type: 'none' }
    case 'linear':
      return { type: 'linear', factor: fields.number('rope.scaling.factor') }
    case 'yarn':
      return {
        type: 'yarn',
        factor: fields.number('rope.scaling.factor'),
        originalMaxPositions: fields.integer('rope.scaling.original_context_length'),
        betaFast: fields.number('rope.scaling.yarn_beta_fast', 32),
        betaSlow: fields.number('rope.scaling.yarn_beta_slow', 1),
      }
    default:
      throw new TesseraError('unsupported', `GGUF metadata: rope.scaling.type is "${type}"; supported are none, linear and yarn`)
  }
}
