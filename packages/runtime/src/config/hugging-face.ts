import { TesseraError } from '@tessera-llm/tensor'
import type { ModelConfig, RopeScaling } from './config.ts'
import { type Fields, readFields } from './fields.ts'
import { checkHeads } from './gguf.ts'

/**
 * Reads a Hugging Face `config.json`, both as transformers 5 writes it (`rope_parameters`) and in the older spelling
 * (`rope_theta`, `rope_scaling`).
 */
export function configFromHuggingFace(config: Fields): ModelConfig {
  const fields = readFields(config, 'config.json')
  const architecture = fields.string('model_type')
  const hiddenSize = fields.integer('hidden_size')
  const numHeads = fields.integer('num_attention_heads')
  const numKvHeads = fields.integer('num_key_value_heads', numHeads)
  const headDim = fields.integer('head_dim', Math.floor(hiddenSize / numHeads))
  checkHeads('config.json', hiddenSize, numHeads, numKvHeads, headDim)
  const activation = fields.string('hidden_act', 'silu')
  if (architecture === 'llama' && activation !== 'silu') {
    throw new TesseraError('unsupported', `config.json: hidden_act is "${activation}"; the llama family has silu`)
  }
  const contextLength = fields.integer('max_position_embeddings')
  const parameters = fields.record('rope_parameters')
  const rope = readFields(parameters ?? config, parameters ? 'config.json, rope_parameters' : 'config.json')
  const partial = rope.number('partial_rotary_factor', fields.number('partial_rotary_factor', 1))
  return {
    architecture,
    numLayers: fields.integer('num_hidden_layers'),
    hiddenSize,
    intermediateSize: fields.integer('intermediate_size'),
    numHeads,
    numKvHeads,
    headDim,
    vocabSize: fields.integer('vocab_size'),
    contextLength,
    normEps: fields.number('rms_norm_eps', 1e-6),
    rope: {
      theta: rope.number('rope_theta', 10000),
      rotaryDim: Math.floor(headDim * partial),
      style: 'neox',
      scaling: scalingFrom(parameters ?? fields.record('rope_scaling'), contextLength),
    },
    tiedHead: fields.boolean('tie_word_embeddings', false),
  }
}

function scalingFrom(scaling: Fields | undefined, contextLength: number): RopeScaling {
  if (scaling === undefined) return { type: 'none' }
  const fields = readFields(scaling, 'config.json, rope scaling')
  const type = fields.string('rope_type', fields.string('type', 'default'))
  switch (type) {
    case 'default':
      return { type: 'none' }
    case 'linear':
      return { type: 'linear', factor: fields.number('factor') }
    case 'llama3':
      return {
        type: 'llama3',
        factor: fields.number('factor'),
        lowFreqFactor: fields.number('low_freq_factor'),
        highFreqFactor: fields.number('high_freq_factor'),
        originalMaxPositions: fields.integer('original_max_position_embeddings'),
      }
    case 'yarn':
      return {
        type: 'yarn',
        factor: fields.number('factor'),
        originalMaxPositions: fields.integer('original_max_position_embeddings', contextLength),
        betaFast: fields.number('beta_fast', 32),
        betaSlow: fields.number('beta_slow', 1),
        attentionFactor: fields.has('attention_factor') ? fields.number('attention_factor') : undefined,
        mscale: fields.has('mscale') ? fields.number('mscale') : undefined,
        mscaleAllDim: fields.has('mscale_all_dim') ? fields.number('mscale_all_dim') : undefined,
        truncate: fields.boolean('truncate', true),
      }
    default:
      throw new TesseraError('unsupported', `config.json: rope_type is "${type}"; supported are default, linear, llama3 and yarn`)
  }
}
