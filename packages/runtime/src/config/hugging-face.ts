import type { ActivationKind } from '@tessera-llm/kernels'
import { activationOf } from './activation.ts'
import { canonicalArchitecture } from './architecture.ts'
import { checkHeads } from './check-heads.ts'
import type { ModelConfig } from './config.ts'
import { type FieldReader, type Fields, readFields } from './fields.ts'
import { ropesFrom } from './hugging-face-rope.ts'

/** What transformers takes for granted where a config.json is silent, and what only one architecture has. */
interface Traits {
  readonly activation: ActivationKind
  readonly normEps: number
  readonly tiedHead: boolean
  readonly contextLength?: number
  /** Fields of this architecture alone. */
  readonly own?: (fields: FieldReader, common: ModelConfig) => Partial<ModelConfig>
}

const llama: Traits = { activation: 'silu', normEps: 1e-6, tiedHead: false }
const gemma: Traits = { activation: 'gelu-tanh', normEps: 1e-6, tiedHead: true }

const traits: Readonly<Record<string, Traits>> = {
  llama,
  // Gemma's first configs say "gelu" and mean its tanh approximation.
  gemma: { ...gemma, own: (_, { hiddenSize }) => ({ activation: 'gelu-tanh', embeddingScale: Math.sqrt(hiddenSize) }) },
  gemma3: { ...gemma, own: ownGemma },
}

/**
 * Reads a Hugging Face `config.json`, both as transformers 5 writes it (`rope_parameters`) and in the older spelling
 * (`rope_theta`, `rope_scaling`).
 */
export function configFromHuggingFace(config: Fields): ModelConfig {
  const fields = readFields(config, 'config.json')
  const architecture = canonicalArchitecture(fields.string('model_type'))
  // A family from outside may bring an architecture that is not listed here.
  const known = traits[architecture] ?? llama
  const hiddenSize = fields.integer('hidden_size')
  const numLayers = fields.integer('num_hidden_layers')
  const numHeads = fields.integer('num_attention_heads')
  const numKvHeads = fields.integer('num_key_value_heads', numHeads)
  const headDim = fields.integer('head_dim', Math.floor(hiddenSize / numHeads))
  checkHeads('config.json', hiddenSize, numHeads, numKvHeads, headDim)
  const activation = ['hidden_activation', 'hidden_act']
  const common: ModelConfig = {
    architecture,
    numLayers,
    hiddenSize,
    intermediateSize: fields.integer('intermediate_size'),
    numHeads,
    numKvHeads,
    headDim,
    vocabSize: fields.integer('vocab_size'),
    contextLength: fields.integer('max_position_embeddings', known.contextLength),
    normEps: fields.number('rms_norm_eps', known.normEps),
    activation: fields.has(activation) ? activationOf(fields.string(activation)) : known.activation,
    ...layersFrom(config, architecture, numLayers, headDim),
    tiedHead: fields.boolean('tie_word_embeddings', known.tiedHead),
  }
  return { ...common, ...known.own?.(fields, common) }
}

function ownGemma(fields: FieldReader, { hiddenSize, headDim }: ModelConfig): Partial<ModelConfig> {
  return {
    embeddingScale: Math.sqrt(hiddenSize),
    attentionScale: 1 / Math.sqrt(fields.number('query_pre_attn_scalar', headDim)),
    attentionSoftcap: fields.has('attn_logit_softcapping') ? fields.number('attn_logit_softcapping') : undefined,
    logitSoftcap: fields.has('final_logit_softcapping') ? fields.number('final_logit_softcapping') : undefined,
  }
}

function layersFrom(config: Fields, architecture: string, numLayers: number, headDim: number): Pick<ModelConfig, 'ropes' | 'windows'> {
  const fields = readFields(config, 'config.json')
  const ropes = ropesFrom(config, headDim)
  const window = windowOf(fields)
  const isLocal = localLayers(fields, architecture)
  const local = Array.from({ length: numLayers }, (_, index) => window !== undefined && isLocal(index))
  return { ropes: local.map((sees) => (sees ? ropes.local : ropes.global)), windows: local.includes(true) ? local.map((sees) => (sees ? window : undefined)) : undefined }
}

/** Qwen's configs state a window and a switch that is off. */
function windowOf(fields: FieldReader): number | undefined {
  return fields.has('sliding_window') && fields.boolean('use_sliding_window', true) ? fields.integer('sliding_window') : undefined
}

/** Which layers see a window only: as `layer_types` says, or by the rule of the architecture where older configs leave it out. */
function localLayers(fields: FieldReader, architecture: string): (index: number) => boolean {
  const types = fields.list('layer_types')
  if (types) return (index) => types[index] === 'sliding_attention'
  if (architecture === 'gemma3') {
    const every = fields.integer(['sliding_window_pattern', '_sliding_window_pattern'], 6)
    return (index) => (index + 1) % every !== 0
  }
  return () => true
}
