import { prefixed, type TensorNames } from './names.ts'

/** Names in GGUF files, the same for all architectures. */
export const ggufNames: TensorNames = {
  embedding: 'token_embd',
  finalNorm: 'output_norm',
  head: 'output',
  ropeFactors: 'rope_freqs.weight',
  longRopeFactors: { short: 'rope_factors_short.weight', long: 'rope_factors_long.weight' },
  layer: prefixed('blk.#.', {
    attention_norm: 'attn_norm',
    'attention.query': 'attn_q',
    'attention.key': 'attn_k',
    'attention.value': 'attn_v',
    'attention.output': 'attn_output',
    'attention.query_norm': 'attn_q_norm',
    'attention.key_norm': 'attn_k_norm',
    post_attention_norm: 'post_attention_norm',
    mlp_norm: 'ffn_norm',
    'mlp.gate': 'ffn_gate',
    'mlp.up': 'ffn_up',
    'mlp.down': 'ffn_down',
    post_mlp_norm: 'post_ffw_norm',
  }),
}

/**
 * Name of a `down` weight whose inputs are transformed: `blk.3.ffn_down_hadamard.weight`. Programs that do not support
 * the transform would run such a model without an error and generate nonsense; with this name they miss a tensor.
 */
export function transformedDownName(name: string): string {
  return name.replace(/(^blk\.[\d#]+\.ffn_down)(?=$|\.)/, '$1_hadamard')
}

/** Inverse of `transformedDownName`. */
export function plainDownName(name: string): string {
  return name.replace(/(^blk\.[\d#]+\.ffn_down)_hadamard(?=$|\.)/, '$1')
}

/** The names in a file whose `down` weights have transformed inputs. */
export function withTransformedDown(names: TensorNames): TensorNames {
  const down = names.layer['mlp.down']
  return down === undefined ? names : { ...names, layer: { ...names.layer, 'mlp.down': transformedDownName(down) } }
}

/** Names of architectures with query, key and value in one matrix, and learned positions if the model has them. */
export const ggufFusedNames: TensorNames = {
  ...ggufNames,
  positions: 'position_embd',
  layer: { ...ggufNames.layer, 'attention.fused': 'blk.#.attn_qkv' },
  fusedOrder: 'stacked',
}

/** Phi-3 stores gate and up in the tensor of up. */
export const ggufPhi3Names: TensorNames = {
  ...ggufNames,
  layer: { ...ggufNames.layer, 'attention.fused': 'blk.#.attn_qkv', 'mlp.fused': 'blk.#.ffn_up' },
  fusedOrder: 'stacked',
}

/**
 * Names of BERT. Norms after a block apply to the residual sum; `attn_output` is a projection, and `attn_output_norm`
 * the norm after it.
 */
export const ggufBertNames: TensorNames = {
  embedding: 'token_embd',
  positions: 'position_embd',
  types: 'token_types',
  embeddingNorm: 'token_embd_norm',
  layer: prefixed('blk.#.', {
    'attention.query': 'attn_q',
    'attention.key': 'attn_k',
    'attention.value': 'attn_v',
    'attention.output': 'attn_output',
    post_attention_norm: 'attn_output_norm',
    'mlp.up': 'ffn_up',
    'mlp.down': 'ffn_down',
    post_mlp_norm: 'layer_output_norm',
  }),
}
