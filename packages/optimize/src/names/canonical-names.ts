/** Class of a weight, for targets and for the receipt's table of bytes. */
export type WeightClass = 'embedding' | 'attention' | 'mlp' | 'head' | 'norm' | 'other'

/** Names of tensors in GGUF files, in Hugging Face checkpoints, and in recipes; `#` is the number of the layer. */
const whole: readonly (readonly [string, string, string])[] = [
  ['token_embd', 'model.embed_tokens', 'embedding'],
  ['output', 'lm_head', 'head'],
  ['output_norm', 'model.norm', 'norm'],
]
const inLayer: readonly (readonly [string, string, string])[] = [
  ['attn_norm', 'input_layernorm', 'attention_norm'],
  ['attn_q', 'self_attn.q_proj', 'attention.query'],
  ['attn_k', 'self_attn.k_proj', 'attention.key'],
  ['attn_v', 'self_attn.v_proj', 'attention.value'],
  ['attn_output', 'self_attn.o_proj', 'attention.output'],
  ['attn_q_norm', 'self_attn.q_norm', 'attention.query_norm'],
  ['attn_k_norm', 'self_attn.k_norm', 'attention.key_norm'],
  ['ffn_norm', 'post_attention_layernorm', 'mlp_norm'],
  ['ffn_gate', 'mlp.gate_proj', 'mlp.gate'],
  ['ffn_up', 'mlp.up_proj', 'mlp.up'],
  ['ffn_down', 'mlp.down_proj', 'mlp.down'],
]

/** Stored names of BERT and its relatives, mapped to names in recipes, outside of layers and in them. */
const inEncoder: Readonly<Record<string, string>> = {
  'embeddings.word_embeddings': 'embedding',
  'embeddings.position_embeddings': 'positions',
  'embeddings.token_type_embeddings': 'types',
  'embeddings.LayerNorm': 'embedding_norm',
  'pooler.dense': 'pooler',
  // GGUF
  position_embd: 'positions',
  token_types: 'types',
  token_embd_norm: 'embedding_norm',
}
const inEncoderLayer: Readonly<Record<string, string>> = {
  'attention.self.query': 'attention.query',
  'attention.self.key': 'attention.key',
  'attention.self.value': 'attention.value',
  'attention.output.dense': 'attention.output',
  'intermediate.dense': 'mlp.up',
  'output.dense': 'mlp.down',
  'attention.output.LayerNorm': 'post_attention_norm',
  'output.LayerNorm': 'post_mlp_norm',
  // DistilBERT
  'attention.q_lin': 'attention.query',
  'attention.k_lin': 'attention.key',
  'attention.v_lin': 'attention.value',
  'attention.out_lin': 'attention.output',
  'ffn.lin1': 'mlp.up',
  'ffn.lin2': 'mlp.down',
  sa_layer_norm: 'post_attention_norm',
  output_layer_norm: 'post_mlp_norm',
  // GGUF
  attn_output_norm: 'post_attention_norm',
  layer_output_norm: 'post_mlp_norm',
}

const wholeByStored: ReadonlyMap<string, string> = new Map([
  ...whole.flatMap(([gguf, huggingFace, name]) => [[gguf, name] as const, [huggingFace, name] as const]),
  ...Object.entries(inEncoder),
])
const partByStored: ReadonlyMap<string, string> = new Map([
  ...inLayer.flatMap(([gguf, huggingFace, name]) => [[gguf, name] as const, [huggingFace, name] as const]),
  ...Object.entries(inEncoderLayer),
  ['ffn_down_hadamard', 'mlp.down'] as const,
])

/**
 * The name of a stored tensor in recipes: `layers.3.mlp.down` for `blk.3.ffn_down.weight` and for
 * `model.layers.3.mlp.down_proj.weight`; a bias ends in `.bias`. Tensors that no recipe can change keep their stored
 * name.
 */
export function canonicalName(stored: string): string {
  const found =
    /^(?:(?:bert|roberta|distilbert)\.)?(?:(?:blk|model\.layers|encoder\.layer|transformer\.layer)\.(\d+)\.)?(.+)\.(weight|bias)$/.exec(
      stored,
    )
  if (!found) return stored
  const [, layer, part = '', kind] = found
  const name = layer === undefined ? wholeByStored.get(part) : partByStored.get(part)
  if (name === undefined) return stored
  return `${layer === undefined ? '' : `layers.${layer}.`}${name}${kind === 'bias' ? '.bias' : ''}`
}

/** The class of a canonical name. */
export function weightClass(name: string): WeightClass {
  if (name === 'embedding' || name === 'head') return name
  if (name === 'positions' || name === 'types') return 'embedding'
  if (/norm(\.bias)?$/.test(name)) return 'norm'
  if (/^layers\.\d+\.attention\./.test(name)) return 'attention'
  if (/^layers\.\d+\.mlp\./.test(name)) return 'mlp'
  return 'other'
}

/** Whether a name is that of a block's linear layer, the default target of methods. */
export function isBlockLinear(name: string): boolean {
  return /^layers\.\d+\.(?:attention\.(?:query|key|value|output)|mlp\.(?:gate|up|down))$/.test(name)
}
