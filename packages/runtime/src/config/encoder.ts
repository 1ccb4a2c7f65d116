import { activationOf } from './activation.ts'
import { checkSizes } from './check-sizes.ts'
import type { EncoderConfig } from './config.ts'
import { type Fields, type FieldReader, readFields } from './fields.ts'
import { ropesFrom } from './hugging-face-rope.ts'
import { refuseTransform, transformFromHuggingFace } from './transforms.ts'

/** Reads the `config.json` of BERT and its relatives; DistilBERT uses other names for the same sizes. */
export function encoderConfigFromHuggingFace(config: Fields): EncoderConfig {
  const fields = readFields(config, 'config.json')
  const architecture = fields.string('model_type')
  const hiddenSize = fields.integer(['hidden_size', 'dim'])
  const numHeads = fields.integer(['num_attention_heads', 'n_heads'])
  const numLayers = fields.integer(['num_hidden_layers', 'n_layers'])
  const headDim = Math.floor(hiddenSize / numHeads)
  // Not a BERT field: encoders with merged key-value heads have it.
  const numKvHeads = fields.integer('num_key_value_heads', numHeads)
  checkSizes('config.json', numLayers, hiddenSize, numHeads, numKvHeads, headDim)
  const intermediateSize = fields.integer(['intermediate_size', 'hidden_dim'])
  refuseTransform(transformFromHuggingFace(config, { numLayers, intermediateSize }))
  const common: EncoderConfig = {
    architecture,
    numLayers,
    hiddenSize,
    intermediateSize,
    numHeads,
    numKvHeads,
    headDim,
    vocabSize: fields.integer('vocab_size'),
    contextLength: fields.integer('max_position_embeddings'),
    normEps: fields.number(['layer_norm_eps', 'norm_eps'], 1e-12),
    activation: activationOf(fields.string(['hidden_act', 'hidden_activation', 'activation'], 'gelu')),
    ropes: Array.from({ length: numLayers }, () => undefined),
    tokenTypes: 0,
  }
  return { ...common, ...ownOf(config, fields, common) }
}

function ownOf(
  config: Fields,
  fields: FieldReader,
  { architecture, contextLength, headDim, numLayers }: EncoderConfig,
): Partial<EncoderConfig> {
  switch (architecture) {
    case 'bert':
      return { tokenTypes: fields.integer('type_vocab_size', 2) }
    case 'roberta': {
      // Positions start after the padding token's.
      const unusedPositions = fields.integer('pad_token_id', 1) + 1
      return {
        tokenTypes: fields.integer('type_vocab_size', 1),
        unusedPositions,
        contextLength: contextLength - unusedPositions,
      }
    }
    case 'modernbert': {
      const ropes = ropesFrom(
        { rope_theta: config['global_rope_theta'], rope_local_base_freq: config['local_rope_theta'], ...config },
        headDim,
      )
      const every = fields.integer('global_attn_every_n_layers', 3)
      const types = fields.list('layer_types')
      const isLocal = Array.from({ length: numLayers }, (_, index) =>
        types ? types[index] === 'sliding_attention' : index % every !== 0,
      )
      const window = fields.integer('local_attention', 128)
      return {
        ropes: isLocal.map((local) => (local ? ropes.local : ropes.global)),
        windows: isLocal.map((local) => (local ? window : undefined)),
      }
    }
    default:
      return {}
  }
}
