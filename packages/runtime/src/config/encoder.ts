import { activationOf } from './activation.ts'
import { checkHeads } from './check-heads.ts'
import type { EncoderConfig } from './config.ts'
import { type Fields, readFields } from './fields.ts'

/** Reads the `config.json` of a BERT and its kin; DistilBERT has names of its own for the same sizes. */
export function encoderConfigFromHuggingFace(config: Fields): EncoderConfig {
  const fields = readFields(config, 'config.json')
  const architecture = fields.string('model_type')
  const hiddenSize = fields.integer(['hidden_size', 'dim'])
  const numHeads = fields.integer(['num_attention_heads', 'n_heads'])
  const numLayers = fields.integer(['num_hidden_layers', 'n_layers'])
  const headDim = Math.floor(hiddenSize / numHeads)
  checkHeads('config.json', hiddenSize, numHeads, numHeads, headDim)
  return {
    architecture,
    numLayers,
    hiddenSize,
    intermediateSize: fields.integer(['intermediate_size', 'hidden_dim']),
    numHeads,
    numKvHeads: numHeads,
    headDim,
    vocabSize: fields.integer('vocab_size'),
    contextLength: fields.integer('max_position_embeddings'),
    normEps: fields.number('layer_norm_eps', 1e-12),
    activation: activationOf(fields.string(['hidden_act', 'activation'], 'gelu')),
    ropes: Array.from({ length: numLayers }, () => undefined),
    tokenTypes: architecture === 'distilbert' ? 0 : fields.integer('type_vocab_size', 2),
  }
}
