/** What a layer holds. A projection or a norm is a stem, to which `.weight` and `.bias` are added. */
export type LayerPart =
  | 'attention_norm' | 'post_attention_norm' | 'mlp_norm' | 'post_mlp_norm'
  | 'attention.query' | 'attention.key' | 'attention.value' | 'attention.output' | 'attention.query_norm' | 'attention.key_norm'
  | 'mlp.gate' | 'mlp.up' | 'mlp.down'

/** The names of an architecture's tensors in one kind of file: stems, but for `ropeFactors`. */
export interface TensorNames {
  /** What may stand before every name: that of the model inside a larger one, or nothing. */
  readonly prefixes?: readonly string[]
  readonly embedding: string
  readonly positions?: string
  readonly types?: string
  readonly embeddingNorm?: string
  readonly finalNorm?: string
  readonly head?: string
  readonly pooler?: string
  /** Divisors of the rotary frequencies, a whole name; only some GGUF files have them. */
  readonly ropeFactors?: string
  /** `#` is the layer's number. */
  readonly layer: Readonly<Partial<Record<LayerPart, string>>>
}

/** The stems of `layer` with `prefix` before each. */
export function prefixed(prefix: string, layer: TensorNames['layer']): TensorNames['layer'] {
  return Object.fromEntries(Object.entries(layer).map(([part, stem]) => [part, `${prefix}${stem}`]))
}

/** The names with the one of their prefixes under which the file has an embedding; the first where it has none. */
export function withPrefix(names: TensorNames, has: (name: string) => boolean): TensorNames {
  const { prefixes = [''], layer, ...stems } = names
  const prefix = prefixes.find((candidate) => has(`${candidate}${names.embedding}.weight`)) ?? prefixes[0] ?? ''
  if (prefix === '') return names
  const whole = Object.fromEntries(Object.entries(stems).map(([name, stem]) => [name, `${prefix}${stem}`]))
  return { ...whole, embedding: `${prefix}${names.embedding}`, layer: prefixed(prefix, layer) }
}
