import { prefixed, type TensorNames } from './names.ts'

/** Llama's names, which most later architectures share. */
export const llamaNames: TensorNames = {
  prefixes: ['model.', ''],
  embedding: 'embed_tokens',
  finalNorm: 'norm',
  head: 'lm_head',
  layer: prefixed('layers.#.', {
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
    ...prefixed('layers.#.', {
      post_attention_norm: 'post_attention_layernorm',
      mlp_norm: 'pre_feedforward_layernorm',
      post_mlp_norm: 'post_feedforward_layernorm',
    }),
  },
}

/** Norms after the blocks and none before them. */
export const postNormNames: TensorNames = {
  ...llamaNames,
  layer: {
    ...llamaNames.layer,
    ...prefixed('layers.#.', {
      post_attention_norm: 'post_attention_layernorm',
      post_mlp_norm: 'post_feedforward_layernorm',
    }),
  },
}

/** Phi-3 stores query, key and value in one matrix, and gate and up in another. */
export const phi3Names: TensorNames = {
  ...llamaNames,
  layer: {
    ...llamaNames.layer,
    ...prefixed('layers.#.', { 'attention.fused': 'self_attn.qkv_proj', 'mlp.fused': 'mlp.gate_up_proj' }),
  },
  fusedOrder: 'stacked',
}

/** GPT-2 stores its linear layers transposed. */
export const gpt2Names: TensorNames = {
  prefixes: ['transformer.', ''],
  embedding: 'wte',
  positions: 'wpe',
  finalNorm: 'ln_f',
  head: 'lm_head',
  layer: prefixed('h.#.', {
    attention_norm: 'ln_1',
    'attention.fused': 'attn.c_attn',
    'attention.output': 'attn.c_proj',
    mlp_norm: 'ln_2',
    'mlp.up': 'mlp.c_fc',
    'mlp.down': 'mlp.c_proj',
  }),
  fusedOrder: 'stacked',
  isTransposed: true,
}

export const gptNeoxNames: TensorNames = {
  prefixes: ['gpt_neox.'],
  embedding: 'embed_in',
  finalNorm: 'final_layer_norm',
  head: 'embed_out',
  layer: prefixed('layers.#.', {
    attention_norm: 'input_layernorm',
    'attention.fused': 'attention.query_key_value',
    'attention.output': 'attention.dense',
    mlp_norm: 'post_attention_layernorm',
    'mlp.up': 'mlp.dense_h_to_4h',
    'mlp.down': 'mlp.dense_4h_to_h',
  }),
  fusedOrder: 'by-kv-head',
}

export const optNames: TensorNames = {
  prefixes: ['model.decoder.', 'decoder.', ''],
  embedding: 'embed_tokens',
  positions: 'embed_positions',
  finalNorm: 'final_layer_norm',
  head: 'lm_head',
  layer: prefixed('layers.#.', {
    attention_norm: 'self_attn_layer_norm',
    'attention.query': 'self_attn.q_proj',
    'attention.key': 'self_attn.k_proj',
    'attention.value': 'self_attn.v_proj',
    'attention.output': 'self_attn.out_proj',
    mlp_norm: 'final_layer_norm',
    'mlp.up': 'fc1',
    'mlp.down': 'fc2',
  }),
}

export const bloomNames: TensorNames = {
  prefixes: ['transformer.', ''],
  embedding: 'word_embeddings',
  embeddingNorm: 'word_embeddings_layernorm',
  finalNorm: 'ln_f',
  head: 'lm_head',
  layer: prefixed('h.#.', {
    attention_norm: 'input_layernorm',
    'attention.fused': 'self_attention.query_key_value',
    'attention.output': 'self_attention.dense',
    mlp_norm: 'post_attention_layernorm',
    'mlp.up': 'mlp.dense_h_to_4h',
    'mlp.down': 'mlp.dense_4h_to_h',
  }),
  fusedOrder: 'by-kv-head',
}

const { embeddingNorm: _, ...withoutEmbeddingNorm } = bloomNames

/** One norm serves both parallel blocks; in the newer architecture each block has its own. */
export const falconNames: TensorNames = {
  ...withoutEmbeddingNorm,
  layer: {
    ...bloomNames.layer,
    ...prefixed('h.#.', { shared_norm: 'input_layernorm', attention_norm: 'ln_attn', mlp_norm: 'ln_mlp' }),
  },
}
