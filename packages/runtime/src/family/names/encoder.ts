import { prefixed, type TensorNames } from './names.ts'

/**
 * Names of BERT and RoBERTa. Their layers have no norm before a block; the norm after it applies to the residual sum.
 */
export const bertNames: TensorNames = {
  prefixes: ['', 'bert.', 'roberta.'],
  embedding: 'embeddings.word_embeddings',
  positions: 'embeddings.position_embeddings',
  types: 'embeddings.token_type_embeddings',
  embeddingNorm: 'embeddings.LayerNorm',
  pooler: 'pooler.dense',
  layer: prefixed('encoder.layer.#.', {
    'attention.query': 'attention.self.query',
    'attention.key': 'attention.self.key',
    'attention.value': 'attention.self.value',
    'attention.output': 'attention.output.dense',
    post_attention_norm: 'attention.output.LayerNorm',
    'mlp.up': 'intermediate.dense',
    'mlp.down': 'output.dense',
    post_mlp_norm: 'output.LayerNorm',
  }),
}

export const distilbertNames: TensorNames = {
  prefixes: ['', 'distilbert.'],
  embedding: 'embeddings.word_embeddings',
  positions: 'embeddings.position_embeddings',
  embeddingNorm: 'embeddings.LayerNorm',
  layer: prefixed('transformer.layer.#.', {
    'attention.query': 'attention.q_lin',
    'attention.key': 'attention.k_lin',
    'attention.value': 'attention.v_lin',
    'attention.output': 'attention.out_lin',
    post_attention_norm: 'sa_layer_norm',
    'mlp.up': 'ffn.lin1',
    'mlp.down': 'ffn.lin2',
    post_mlp_norm: 'output_layer_norm',
  }),
}

/** ModernBERT has norms before the blocks, one matrix for query, key and value, and one for gate and up. */
export const modernbertNames: TensorNames = {
  prefixes: ['', 'model.'],
  embedding: 'embeddings.tok_embeddings',
  embeddingNorm: 'embeddings.norm',
  finalNorm: 'final_norm',
  layer: prefixed('layers.#.', {
    attention_norm: 'attn_norm',
    'attention.fused': 'attn.Wqkv',
    'attention.output': 'attn.Wo',
    mlp_norm: 'mlp_norm',
    'mlp.fused': 'mlp.Wi',
    'mlp.down': 'mlp.Wo',
  }),
  fusedOrder: 'stacked',
}
