import type { Architecture } from './architecture.ts'

/** Names in GGUF files and in Hugging Face checkpoints, without `.weight` and `.bias`. */
const whole: readonly (readonly [string, string])[] = [
  ['token_embd', 'model.embed_tokens'],
  ['output_norm', 'model.norm'],
  ['output', 'lm_head'],
]
const common: readonly (readonly [string, string])[] = [
  ['attn_norm', 'input_layernorm'],
  ['attn_q', 'self_attn.q_proj'],
  ['attn_k', 'self_attn.k_proj'],
  ['attn_v', 'self_attn.v_proj'],
  ['attn_output', 'self_attn.o_proj'],
  ['attn_q_norm', 'self_attn.q_norm'],
  ['attn_k_norm', 'self_attn.k_norm'],
  ['ffn_gate', 'mlp.gate_proj'],
  ['ffn_up', 'mlp.up_proj'],
  ['ffn_down', 'mlp.down_proj'],
]
const plainNorms: readonly (readonly [string, string])[] = [['ffn_norm', 'post_attention_layernorm']]
const sandwichNorms: readonly (readonly [string, string])[] = [
  ['post_attention_norm', 'post_attention_layernorm'],
  ['ffn_norm', 'pre_feedforward_layernorm'],
  ['post_ffw_norm', 'post_feedforward_layernorm'],
]

/** Name of a tensor in the other kind of file; undefined if it has none. */
export function renamed(
  name: string,
  to: 'gguf' | 'hugging-face',
  { hasSandwichNorms }: Architecture,
): string | undefined {
  const found = /^(?:(?:blk|model\.layers)\.(\d+)\.)?(.+)\.(weight|bias)$/.exec(name)
  if (!found) return undefined
  const [, layer, part, kind] = found
  const pairs = layer === undefined ? whole : [...common, ...(hasSandwichNorms ? sandwichNorms : plainNorms)]
  const [from, into] = to === 'gguf' ? ([1, 0] as const) : ([0, 1] as const)
  const pair = pairs.find((candidate) => candidate[from] === part)
  if (!pair) return undefined
  return `${layer === undefined ? '' : `${to === 'gguf' ? 'blk' : 'model.layers'}.${layer}.`}${pair[into]}.${kind}`
}

/** `query` or `key` for projections whose rows GGUF files of llama interleave, by either name; else undefined. */
export function rotatedProjection(name: string): 'query' | 'key' | undefined {
  const part = /\.(?:attn_|self_attn\.)([qk])(?:_proj)?\.(?:weight|bias)$/.exec(name)?.[1]
  return part === 'q' ? 'query' : part === 'k' ? 'key' : undefined
}

/** Whether a name, of either kind, is that of a norm's weight. */
export function isNorm(name: string): boolean {
  return /norm\.weight$/.test(name)
}
