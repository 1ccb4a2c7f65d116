import type { GgufContent, GgufValue, TensorData } from '@tessera-llm/formats'
import {
  encoderConfigFromHuggingFace,
  type Fields,
  plainSentenceConfig,
  type Pooling,
  sentenceConfigFrom,
} from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'
import { ggufSizes } from './config.ts'
import { isBesideEncoder, renamedInEncoder } from './encoder-names.ts'
import { generalMetadata } from './general-metadata.ts'
import { asF32, checkEmbedding, checkGgufType, copied, requireName } from './tensors.ts'
import type { HuggingFaceModel } from './to-gguf.ts'
import { bool, f32, u32 } from './values.ts'
import { ggufWordPiece } from './word-piece-to-gguf.ts'

/** `pooling_type` of llama.cpp. */
const poolingTypes: Readonly<Partial<Record<Pooling, number>>> = { mean: 1, first: 2, last: 3 }

/** Tables that llama.cpp adds to looked-up rows, in f32. */
const addedTables: readonly string[] = ['position_embd.weight', 'token_types.weight']

/**
 * Content of a GGUF file of a BERT. Omits BERT's pooler and its training heads, and a token limit below the size of the
 * position table, which no key can express.
 *
 * @throws TesseraError `unsupported` for contents that a GGUF file cannot hold
 */
export function ggufEncoderContent({
  checkpoint,
  config: fields,
  tokenizer,
  tokenizerConfig = {},
  sentence,
  name,
}: HuggingFaceModel & { readonly tokenizer: Fields }): GgufContent {
  const config = encoderConfigFromHuggingFace(fields)
  const refuse = (what: string): never => {
    throw new TesseraError('unsupported', `convert: ${what}, which a GGUF file of bert cannot say`)
  }
  if (config.activation !== 'gelu-erf') refuse(`config.json has the activation ${config.activation}`)
  if (config.numKvHeads !== config.numHeads)
    refuse(`config.json has ${config.numKvHeads} key-value heads for ${config.numHeads} heads`)
  const { pooling } = sentence ? sentenceConfigFrom(sentence) : plainSentenceConfig
  const poolingType = poolingTypes[pooling] ?? refuse(`vectors are pooled by ${pooling}`)
  const tensors = [...checkpoint.tensors.values()].flatMap((stored): TensorData[] => {
    if (isBesideEncoder(stored.name)) return []
    const target = requireName(stored, renamedInEncoder(stored.name, 'gguf'), 'GGUF files of bert')
    checkGgufType(stored)
    return [stored.shape.length === 1 || addedTables.includes(target) ? asF32(stored, target) : copied(stored, target)]
  })
  checkEmbedding(tensors, config.vocabSize, 'embeddings.word_embeddings.weight', 'BERT')
  const own: readonly (readonly [string, GgufValue])[] = [
    ...ggufSizes(config),
    ['attention.layer_norm_epsilon', f32(config.normEps)],
    ['attention.causal', bool(false)],
    ['pooling_type', u32(poolingType)],
  ]
  const metadata = [
    ...generalMetadata('bert', name, checkpoint),
    ...own.map(([key, value]) => [`bert.${key}`, value] as const),
    ...ggufWordPiece(tokenizer, tokenizerConfig, config.vocabSize),
    ['tokenizer.ggml.token_type_count', u32(config.tokenTypes)] as const,
  ]
  return { metadata: new Map(metadata), tensors }
}
