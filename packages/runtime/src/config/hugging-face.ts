import type { ActivationKind } from '@tessera-llm/kernels'
import { TesseraError } from '@tessera-llm/tensor'
import { activationOf } from './activation.ts'
import { canonicalArchitecture } from './architecture.ts'
import { checkSizes } from './check-sizes.ts'
import type { ModelConfig } from './config.ts'
import { type Fields, type FieldReader, readFields } from './fields.ts'
import { layersFrom } from './hugging-face-layers.ts'
import { transformFromHuggingFace } from './transforms.ts'

/** Defaults of transformers for fields that a config.json omits, and fields that only one architecture has. */
interface Traits {
  readonly activation: ActivationKind
  readonly normEps: number
  readonly tiedHead: boolean
  /** Used if no field states it. */
  readonly contextLength?: number
  /** Fields that only this architecture has, or uses with another meaning. */
  readonly own?: (fields: FieldReader, common: ModelConfig) => Partial<ModelConfig>
}

const llama: Traits = { activation: 'silu', normEps: 1e-6, tiedHead: false }
const gemma: Traits = { activation: 'gelu-tanh', normEps: 1e-6, tiedHead: true }
const gpt: Traits = { activation: 'gelu-tanh', normEps: 1e-5, tiedHead: true }

const traits: Readonly<Record<string, Traits>> = {
  llama,
  mistral: llama,
  qwen2: llama,
  qwen3: llama,
  phi3: llama,
  olmo2: llama,
  granite: { ...llama, own: ownGranite },
  smollm3: { ...llama, tiedHead: true },
  stablelm: { ...llama, normEps: 1e-5, own: ownStableLm },
  // Gemma's first configs state "gelu" but mean its tanh approximation.
  gemma: { ...gemma, own: (_, { hiddenSize }) => ({ activation: 'gelu-tanh', embeddingScale: Math.sqrt(hiddenSize) }) },
  gemma2: { ...gemma, own: ownGemma },
  gemma3: { ...gemma, own: ownGemma },
  gpt2: gpt,
  gpt_neox: {
    ...gpt,
    activation: 'gelu-erf',
    tiedHead: false,
    own: (fields) => ({ isParallel: fields.boolean('use_parallel_residual', true) }),
  },
  opt: { ...gpt, activation: 'relu', own: ownOpt },
  bloom: { ...gpt, contextLength: 2048, own: () => ({ hasAlibi: true }) },
  falcon: { ...gpt, activation: 'gelu-erf', contextLength: 2048, own: ownFalcon },
}

/**
 * Reads a Hugging Face `config.json`, as transformers 5 writes it (`rope_parameters`) or as earlier versions did
 * (`rope_theta`, `rope_scaling`).
 */
export function configFromHuggingFace(config: Fields): ModelConfig {
  const fields = readFields(config, 'config.json')
  const architecture = canonicalArchitecture(fields.string('model_type'))
  // A family of another package may support an architecture that is not listed here.
  const known = traits[architecture] ?? llama
  const hiddenSize = fields.integer(['hidden_size', 'n_embd'])
  const numLayers = fields.integer(['num_hidden_layers', 'n_layer'])
  const numHeads = fields.integer(['num_attention_heads', 'n_head'])
  const numKvHeads = kvHeadsOf(fields, architecture, numHeads)
  const headDim = fields.integer('head_dim', Math.floor(hiddenSize / numHeads))
  checkSizes('config.json', numLayers, hiddenSize, numHeads, numKvHeads, headDim)
  const activation = ['hidden_activation', 'hidden_act', 'activation_function', 'activation']
  const intermediateSize = fields.integer(
    ['intermediate_size', 'ffn_hidden_size', 'ffn_dim', 'n_inner'],
    4 * hiddenSize,
  )
  const downHadamard = transformFromHuggingFace(config, { numLayers, intermediateSize })
  const common: ModelConfig = {
    architecture,
    numLayers,
    hiddenSize,
    intermediateSize,
    numHeads,
    numKvHeads,
    headDim,
    vocabSize: fields.integer('vocab_size'),
    contextLength: fields.integer(['max_position_embeddings', 'n_positions'], known.contextLength),
    normEps: fields.number(['rms_norm_eps', 'layer_norm_eps', 'layer_norm_epsilon'], known.normEps),
    activation: fields.has(activation) ? activationOf(fields.string(activation)) : known.activation,
    ...layersFrom(config, architecture, numLayers, headDim),
    tiedHead: fields.boolean('tie_word_embeddings', known.tiedHead),
    ...(downHadamard === undefined ? {} : { downHadamard }),
  }
  return { ...common, ...known.own?.(fields, common) }
}

/**
 * KV heads. Falcon states `num_kv_heads` only in its newer architecture; in the older one `multi_query` (default true)
 * chooses between one KV head and one per query head.
 */
function kvHeadsOf(fields: FieldReader, architecture: string, numHeads: number): number {
  if (architecture !== 'falcon') return fields.integer('num_key_value_heads', numHeads)
  if (fields.boolean('new_decoder_architecture', false)) return fields.integer('num_kv_heads', numHeads)
  return fields.boolean('multi_query', true) ? 1 : numHeads
}

function ownFalcon(fields: FieldReader): Partial<ModelConfig> {
  // Falcon's ALiBi rounds slopes and products to bfloat16, which no kernel here does.
  if (fields.boolean('alibi', false))
    throw new TesseraError(
      'unsupported',
      'config.json: Falcon with ALiBi (falcon-rw) is not supported; use a Falcon with rotary positions',
    )
  if (!fields.boolean('new_decoder_architecture', false) && !fields.boolean('parallel_attn', true))
    throw new TesseraError('unsupported', 'config.json: Falcon with parallel_attn false is not supported')
  return { isParallel: true }
}

function ownStableLm(fields: FieldReader): Partial<ModelConfig> {
  if (fields.boolean('use_parallel_residual', false) || fields.boolean('qk_layernorm', false)) {
    throw new TesseraError(
      'unsupported',
      'config.json: StableLM with parallel blocks or norms of queries and keys (the 12B model) is not supported; use another size',
    )
  }
  return {}
}

/** OPT's position table has two unused leading rows. Only OPT-350m has post-norm and projected embeddings. */
function ownOpt(fields: FieldReader, { hiddenSize }: ModelConfig): Partial<ModelConfig> {
  if (
    !fields.boolean('do_layer_norm_before', true) ||
    fields.integer('word_embed_proj_dim', hiddenSize) !== hiddenSize
  ) {
    throw new TesseraError(
      'unsupported',
      'config.json: OPT with norms after its blocks or with projected embeddings (OPT-350m) is not supported; use another size',
    )
  }
  return { unusedPositions: 2 }
}

function ownGranite(fields: FieldReader): Partial<ModelConfig> {
  return {
    embeddingScale: fields.number('embedding_multiplier', 1),
    attentionScale: fields.number('attention_multiplier', 1),
    residualScale: fields.number('residual_multiplier', 1),
    logitScale: 1 / fields.number('logits_scaling', 1),
  }
}

function ownGemma(fields: FieldReader, { hiddenSize, headDim }: ModelConfig): Partial<ModelConfig> {
  return {
    embeddingScale: Math.sqrt(hiddenSize),
    attentionScale: 1 / Math.sqrt(fields.number('query_pre_attn_scalar', headDim)),
    attentionSoftcap: fields.has('attn_logit_softcapping') ? fields.number('attn_logit_softcapping') : undefined,
    logitSoftcap: fields.has('final_logit_softcapping') ? fields.number('final_logit_softcapping') : undefined,
  }
}
