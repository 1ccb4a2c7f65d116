import { TesseraError } from '@tessera-llm/tensor'
import type { RopeConfig, RopeScaling } from './config.ts'
import { type FieldReader, type Fields, readFields } from './fields.ts'

export interface Ropes {
  readonly global: RopeConfig
  /** Rotation of layers with a window. */
  readonly local: RopeConfig
}

/**
 * Rotary settings of a `config.json`. transformers 5 stores them in `rope_parameters`, one record or one for each kind
 * of layer; earlier versions in `rope_theta`, `rope_scaling`, `rope_local_base_freq` and `partial_rotary_factor`.
 */
export function ropesFrom(config: Fields, headDim: number): Ropes {
  const fields = readFields(config, 'config.json')
  const contextLength = fields.integer('max_position_embeddings', 0)
  const partial = fields.number(['partial_rotary_factor', 'rotary_pct'], 1)
  const parameters = fields.record('rope_parameters')
  const from = (flat: Fields, source: string, scaling: Fields | undefined): RopeConfig => {
    const rope = readFields(flat, source)
    return {
      theta: rope.number(['rope_theta', 'rotary_emb_base'], 10000),
      // Channels are rotated in pairs.
      rotaryDim: 2 * Math.floor((headDim * rope.number('partial_rotary_factor', partial)) / 2),
      style: 'neox',
      scaling: scalingFrom(scaling, contextLength, fields.integer('original_max_position_embeddings', contextLength)),
    }
  }
  if (parameters === undefined) {
    const global = from(config, 'config.json', fields.record('rope_scaling'))
    // Gemma 3 scales only the global layers.
    return {
      global,
      local: fields.has('rope_local_base_freq')
        ? { ...global, theta: fields.number('rope_local_base_freq'), scaling: { type: 'none' } }
        : global,
    }
  }
  const byKind = readFields(parameters, 'config.json, rope_parameters')
  const kind = (name: string): RopeConfig | undefined => {
    const own = byKind.record(name)
    return own && from(own, `config.json, rope_parameters.${name}`, own)
  }
  const global = kind('full_attention') ?? from(parameters, 'config.json, rope_parameters', parameters)
  return { global, local: kind('sliding_attention') ?? global }
}

/**
 * Scaling of the rotary frequencies; `original` is the original context length that the config states outside the
 * scaling, as Phi-3's do.
 */
function scalingFrom(scaling: Fields | undefined, contextLength: number, original: number): RopeScaling {
  if (scaling === undefined) return { type: 'none' }
  const fields = readFields(scaling, 'config.json, rope scaling')
  const type = fields.string(['rope_type', 'type'], 'default')
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
    case 'longrope': {
      const originalMaxPositions = fields.integer('original_max_position_embeddings', original)
      return {
        type: 'longrope',
        shortFactors: factorsOf(fields, 'short_factor'),
        longFactors: factorsOf(fields, 'long_factor'),
        originalMaxPositions,
        attentionFactor: fields.has('attention_factor')
          ? fields.number('attention_factor')
          : longRopeAttention(contextLength / originalMaxPositions, originalMaxPositions),
      }
    }
    default:
      throw new TesseraError(
        'unsupported',
        `config.json: rope_type is "${type}"; supported are default, linear, llama3, longrope and yarn`,
      )
  }
}

function factorsOf(fields: FieldReader, name: string): readonly number[] {
  const factors = fields.list(name)
  if (!factors?.every((factor): factor is number => typeof factor === 'number' && factor > 0))
    throw new TesseraError('invalid-file', `config.json, rope scaling: ${name} must be a list of positive numbers`)
  return factors
}

/** Factor of the attention scores for a context of `factor` times the original one (LongRoPE, arXiv 2402.13753). */
function longRopeAttention(factor: number, originalMaxPositions: number): number {
  return factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(originalMaxPositions))
}
