import { prefixed, type TensorNames } from './names.ts'

/** Llama's names, which most later architectures share. */
export const llamaNames: TensorNames = {
  embedding: 'model.embed_tokens',
  finalNorm: 'model.norm',
  head: 'lm_head',
  layer: prefixed('model.layers.#.', {
    attention_norm: 'input_layernorm',
    'attention.query': 'self_attn.q_proj',
    'attention.key': 'self_attn.k_proj',
    'attention.value': 'self_attn.v_proj',
    'attention.output': 'self_attn.o_proj',
    'attention.query_norm': 'self_attn.q_norm',
    'attention.key_norm': 'self_attn.k_norm',
    mlp_norm: 'post_attention_layernorm',
    'mlp.gate': 'mlp.gate_proj',
    'mlp.up': 'mlp.up_proj',
    'mlp.down': 'mlp.down_proj',
  }),
}

/** Norms on both sides of each block, as Gemma 2 and 3 have them. */
export const sandwichNames: TensorNames = {
  ...llamaNames,
  layer: {
    ...llamaNames.layer,
    ...prefixed('model.layers.#.', { post_attention_norm: 'post_attention_layernorm', mlp_norm: 'pre_feedforward_layernorm', post_mlp_norm: 'post_feedforward_layernorm' }),
  },
}
