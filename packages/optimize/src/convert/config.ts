import type { GgufValue } from '@tessera-llm/formats'
import {
  configFromGguf,
  configFromHuggingFace,
  type Fields,
  type ModelConfig,
  type RopeConfig,
  type RopeScaling,
  type TransformerConfig,
} from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'
import { type Architecture, architectureNamed } from './architecture.ts'
import { bool, f32, shortest, text, u32 } from './values.ts'

/** Configuration of a model, and its architecture. */
export interface ReadConfig {
  readonly architecture: Architecture
  readonly config: ModelConfig
  /** Rope of the layers without a window. */
  readonly rope: RopeConfig
}

/** Reads a `config.json`; throws `unsupported` for settings that a GGUF file of this architecture cannot express. */
export function readHuggingFaceConfig(fields: Fields): ReadConfig {
  const architecture = architectureNamed(String(fields['model_type']))
  const config = configFromHuggingFace(fields)
  const refuse = (what: string): never => {
    throw new TesseraError(
      'unsupported',
      `convert: config.json has ${what}, which a GGUF file of ${architecture.gguf} cannot say`,
    )
  }
  const isWindowed = config.windows?.some((window) => window !== undefined) ?? false
  if (isWindowed && architecture.gguf !== 'gemma3')
    refuse(`a window of ${config.windows?.find((window) => window !== undefined)} tokens`)
  if (
    architecture.gguf === 'gemma3' &&
    config.windows?.some((window, layer) => (window === undefined) !== ((layer + 1) % 6 === 0))
  )
    refuse('another pattern of layers than five with a window and one without')
  if (config.attentionSoftcap !== undefined || config.logitSoftcap !== undefined) refuse('caps on scores or logits')
  return { architecture, config, rope: globalRope(config) }
}

/** Reads the metadata of a GGUF file. */
export function readGgufConfig(metadata: Fields, vocabSize: number, tiedHead: boolean): ReadConfig {
  const architecture = architectureNamed(String(metadata['general.architecture']))
  const config = configFromGguf(metadata, { vocabSize, tiedHead })
  return { architecture, config, rope: globalRope(config) }
}

function globalRope({ ropes, windows }: ModelConfig): RopeConfig {
  const rope =
    ropes.find((candidate, layer) => candidate && windows?.[layer] === undefined) ??
    ropes.find((candidate) => candidate !== undefined)
  if (!rope) throw new TesseraError('unsupported', 'convert: no layer has rotary positions')
  return rope
}

/** The keys `<architecture>.*`. The scaling of Llama 3.1 is a tensor, not a key. */
export function ggufConfig({
  architecture: { gguf },
  config,
  rope,
}: ReadConfig): readonly (readonly [string, GgufValue])[] {
  const own: readonly (readonly [string, GgufValue | undefined])[] = [
    ...ggufSizes(config),
    ['attention.head_count_kv', u32(config.numKvHeads)],
    ['attention.layer_norm_rms_epsilon', f32(config.normEps)],
    ['attention.key_length', u32(config.headDim)],
    ['attention.value_length', u32(config.headDim)],
    [
      'attention.sliding_window',
      optional(
        config.windows?.find((window) => window !== undefined),
        u32,
      ),
    ],
    ['rope.freq_base', f32(rope.theta)],
    ['rope.dimension_count', u32(rope.rotaryDim)],
    ...scalingKeys(rope.scaling),
  ]
  return own.flatMap(([key, value]) => (value ? [[`${gguf}.${key}`, value] as const] : []))
}

/** Keys that decoders and encoders share. */
export function ggufSizes(config: TransformerConfig): readonly (readonly [string, GgufValue])[] {
  return [
    ['vocab_size', u32(config.vocabSize)],
    ['block_count', u32(config.numLayers)],
    ['context_length', u32(config.contextLength)],
    ['embedding_length', u32(config.hiddenSize)],
    ['feed_forward_length', u32(config.intermediateSize)],
    ['attention.head_count', u32(config.numHeads)],
  ]
}

function optional<T>(value: T | undefined, make: (value: T) => GgufValue): GgufValue | undefined {
  return value === undefined ? undefined : make(value)
}

function scalingKeys(scaling: RopeScaling): readonly (readonly [string, GgufValue | undefined])[] {
  switch (scaling.type) {
    case 'none':
    case 'llama3':
      return []
    case 'linear':
      return [
        ['rope.scaling.type', text('linear')],
        ['rope.scaling.factor', f32(scaling.factor)],
      ]
    case 'yarn':
      if (
        scaling.attentionFactor !== undefined ||
        scaling.mscale !== undefined ||
        scaling.mscaleAllDim !== undefined ||
        scaling.truncate === false
      ) {
        throw new TesseraError(
          'unsupported',
          'convert: config.json scales rope by yarn with an attention factor of its own, which GGUF metadata cannot say',
        )
      }
      return [
        ['rope.scaling.type', text('yarn')],
        ['rope.scaling.factor', f32(scaling.factor)],
        ['rope.scaling.original_context_length', u32(scaling.originalMaxPositions)],
        ['rope.scaling.yarn_beta_fast', optional(scaling.betaFast, f32)],
        ['rope.scaling.yarn_beta_slow', optional(scaling.betaSlow, f32)],
        ['rope.scaling.finetuned', bool(true)],
      ]
    default:
      throw new TesseraError(
        'unsupported',
        `convert: config.json scales rope by ${(scaling as { type: string }).type}, which GGUF metadata cannot say`,
      )
  }
}

export interface ConfigFacts {
  readonly dtype: 'float32' | 'float16' | 'bfloat16'
  readonly hasBias: boolean
  readonly scaling: RopeScaling
  readonly bosId: number | undefined
  readonly eosId: number | undefined
  readonly padId: number | undefined
}

/** A `config.json` in a form that older and newer programs read. */
export function huggingFaceConfig(
  { architecture, config, rope }: ReadConfig,
  { dtype, hasBias, scaling, bosId, eosId, padId }: ConfigFacts,
): Fields {
  const isGemma = architecture.gguf === 'gemma3'
  const window = config.windows?.find((candidate) => candidate !== undefined)
  return {
    architectures: [architecture.className],
    model_type: architecture.modelTypes[0],
    attention_bias: hasBias,
    ...(bosId === undefined ? {} : { bos_token_id: bosId }),
    ...(eosId === undefined ? {} : { eos_token_id: eosId }),
    ...(padId === undefined ? {} : { pad_token_id: padId }),
    head_dim: config.headDim,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    max_position_embeddings: config.contextLength,
    num_attention_heads: config.numHeads,
    num_hidden_layers: config.numLayers,
    num_key_value_heads: config.numKvHeads,
    rms_norm_eps: shortest(config.normEps),
    rope_theta: shortest(rope.theta),
    rope_scaling: scalingFields(scaling),
    tie_word_embeddings: config.tiedHead,
    torch_dtype: dtype,
    vocab_size: config.vocabSize,
    ...(isGemma
      ? {
          hidden_activation: architecture.activation,
          query_pre_attn_scalar: Math.round(1 / (config.attentionScale ?? 1) ** 2),
          rope_local_base_freq: 10000,
          sliding_window: window,
          sliding_window_pattern: 6,
          attn_logit_softcapping: null,
          final_logit_softcapping: null,
        }
      : { hidden_act: architecture.activation }),
  }
}

function scalingFields(scaling: RopeScaling): Fields | null {
  switch (scaling.type) {
    case 'none':
      return null
    case 'linear':
      return { rope_type: 'linear', factor: shortest(scaling.factor) }
    case 'llama3':
      return {
        rope_type: 'llama3',
        factor: shortest(scaling.factor),
        low_freq_factor: scaling.lowFreqFactor,
        high_freq_factor: scaling.highFreqFactor,
        original_max_position_embeddings: scaling.originalMaxPositions,
      }
    case 'yarn':
      return {
        rope_type: 'yarn',
        factor: shortest(scaling.factor),
        original_max_position_embeddings: scaling.originalMaxPositions,
        beta_fast: shortest(scaling.betaFast ?? 32),
        beta_slow: shortest(scaling.betaSlow ?? 1),
      }
    default:
      throw new TesseraError(
        'unsupported',
        `convert: rope is scaled by ${(scaling as { type: string }).type}, which config.json cannot say`,
      )
  }
}
