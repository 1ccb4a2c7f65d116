/** BERT's names in GGUF files and in Hugging Face checkpoints, without `.weight` and `.bias`. */
const whole: readonly (readonly [string, string])[] = [
  ['token_embd', 'embeddings.word_embeddings'],
  ['position_embd', 'embeddings.position_embeddings'],
  ['token_types', 'embeddings.token_type_embeddings'],
  ['token_embd_norm', 'embeddings.LayerNorm'],
]
const inLayer: readonly (readonly [string, string])[] = [
  ['attn_q', 'attention.self.query'],
  ['attn_k', 'attention.self.key'],
  ['attn_v', 'attention.self.value'],
  ['attn_output', 'attention.output.dense'],
  ['attn_output_norm', 'attention.output.LayerNorm'],
  ['ffn_up', 'intermediate.dense'],
  ['ffn_down', 'output.dense'],
  ['layer_output_norm', 'output.LayerNorm'],
]

/** Name of an encoder's tensor in the other kind of file; undefined if it has none. */
export function renamedInEncoder(name: string, to: 'gguf' | 'hugging-face'): string | undefined {
  const found = /^(?:bert\.)?(?:(?:blk|encoder\.layer)\.(\d+)\.)?(.+)\.(weight|bias)$/.exec(name)
  if (!found) return undefined
  const [, layer, part, kind] = found
  const [from, into] = to === 'gguf' ? ([1, 0] as const) : ([0, 1] as const)
  const pair = (layer === undefined ? whole : inLayer).find((candidate) => candidate[from] === part)
  if (!pair) return undefined
  return `${layer === undefined ? '' : `${to === 'gguf' ? 'blk' : 'encoder.layer'}.${layer}.`}${pair[into]}.${kind}`
}

/** Whether a tensor does not affect vectors of texts: position ids, BERT's pooler, and training heads. */
export function isBesideEncoder(name: string): boolean {
  return /^(?:bert\.)?(?:embeddings\.position_ids$|pooler\.|cls\.)/.test(name)
}
