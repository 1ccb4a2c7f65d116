import { expect, test } from 'vitest'
import { canonicalName, isBlockLinear, weightClass } from './index.ts'

test.each([
  ['blk.3.ffn_down.weight', 'layers.3.mlp.down', 'mlp', true],
  ['model.layers.3.mlp.down_proj.weight', 'layers.3.mlp.down', 'mlp', true],
  ['blk.11.attn_q.bias', 'layers.11.attention.query.bias', 'attention', false],
  ['model.layers.0.input_layernorm.weight', 'layers.0.attention_norm', 'norm', false],
  ['encoder.layer.5.attention.self.key.weight', 'layers.5.attention.key', 'attention', true],
  ['bert.encoder.layer.0.output.dense.bias', 'layers.0.mlp.down.bias', 'mlp', false],
  ['encoder.layer.2.output.LayerNorm.bias', 'layers.2.post_mlp_norm.bias', 'norm', false],
  ['distilbert.transformer.layer.1.ffn.lin2.weight', 'layers.1.mlp.down', 'mlp', true],
  ['embeddings.word_embeddings.weight', 'embedding', 'embedding', false],
  ['roberta.embeddings.position_embeddings.weight', 'positions', 'embedding', false],
  ['embeddings.LayerNorm.weight', 'embedding_norm', 'norm', false],
  ['pooler.dense.weight', 'pooler', 'other', false],
  ['blk.0.attn_q_norm.weight', 'layers.0.attention.query_norm', 'norm', false],
  ['token_embd.weight', 'embedding', 'embedding', false],
  ['lm_head.weight', 'head', 'head', false],
  ['output_norm.weight', 'norm', 'norm', false],
  ['rope_freqs.weight', 'rope_freqs.weight', 'other', false],
  ['blk.0.ssm_a', 'blk.0.ssm_a', 'other', false],
])('%s is %s', (stored, name, kind, isLinear) => {
  expect(canonicalName(stored)).toBe(name)
  expect(weightClass(name)).toBe(kind)
  expect(isBlockLinear(name)).toBe(isLinear)
})
