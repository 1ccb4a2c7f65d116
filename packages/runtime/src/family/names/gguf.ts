import { prefixed, type TensorNames } from './names.ts'

/** GGUF files call the tensors of all architectures alike. */
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
 * What files call `down` whose inputs are transformed: `blk.3.ffn_down_hadamard.weight`. Programs that do not know of the transform would run
 * such a model without a word and get nonsense; so they miss a tensor.
 */
export function turnedDownName(name: string): string {
  return name.replace(/(^blk\.[\d#]+\.ffn_down)(?=$|\.)/, '$1_hadamard')
}

/** The name that `turnedDownName` was given. */
export function plainDownName(name: string): string {
  return name.replace(/(^blk\.[\d#]+\.ffn_down)_hadamard(?=$|\.)/, '$1')
}

/** The names in such a file. */
export function withTurnedDown(names: TensorNames): TensorNames {
  const down = names.layer['mlp.down']
  return down === undefined ? names : { ...names, layer: { ...names.layer, 'mlp.down': turnedDownName(down) } }
}

/** Of architectures whose query, key and value lie in one matrix; learned positions where there are any. */
export const ggufFusedNames: TensorNames = {
  ...ggufNames,
  positions: 'position_embd',
  layer: { ...ggufNames.layer, 'attention.fused': 'blk.#.attn_qkv' },
  fusedOrder: 'stacked',
}

/** Phi-3 has gate and up in the tensor of up, too. */
export const ggufPhi3Names: TensorNames = {
  ...ggufNames,
  layer: { ...ggufNames.layer, 'attention.fused': 'blk.#.attn_qkv', 'mlp.fused': 'blk.#.ffn_up' },
  fusedOrder: 'stacked',
}

/** BERT's. The norms after a block are of the sum; `attn_output` is a projection, and `attn_output_norm` the norm behind it. */
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
