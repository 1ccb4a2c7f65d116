/** A component of a layer. Projections and norms are stems, to which `.weight` and `.bias` are appended. */
export type LayerPart =
  | 'attention_norm'
  | 'post_attention_norm'
  | 'mlp_norm'
  | 'post_mlp_norm'
  | 'attention.query'
  | 'attention.key'
  | 'attention.value'
  | 'attention.output'
  | 'attention.query_norm'
  | 'attention.key_norm'
  /** The norm before both blocks of a parallel layer. */
  | 'shared_norm'
  /** Query, key and value in one tensor, in the order of `fusedOrder`. */
  | 'attention.fused'
  | 'mlp.gate'
  | 'mlp.up'
  | 'mlp.down'
  /** The rows of gate, then those of up. */
  | 'mlp.fused'

/** Names of an architecture's tensors in one kind of file: stems, except the factors of rope. */
export interface TensorNames {
  /** Possible prefixes of all names, such as that of the model inside a larger one; `''` for none. */
  readonly prefixes?: readonly string[]
  readonly embedding: string
  readonly positions?: string
  readonly types?: string
  readonly embeddingNorm?: string
  readonly finalNorm?: string
  readonly head?: string
  readonly pooler?: string
  /** Full name of the tensor of divisors of the rotary frequencies, which only some GGUF files have. */
  readonly ropeFactors?: string
  readonly longRopeFactors?: { readonly short: string; readonly long: string }
  /** `#` is the layer's number. */
  readonly layer: Readonly<Partial<Record<LayerPart, string>>>
  /**
   * Order of the rows of `attention.fused`: all queries, all keys, all values (`stacked`), or for each KV head its
   * query heads, its key and its value (`by-kv-head`).
   */
  readonly fusedOrder?: 'stacked' | 'by-kv-head'
  /** Whether matrices of linear layers are stored as `[inputs, outputs]`. */
  readonly isTransposed?: boolean
}

/** The stems of `layer` with `prefix` before each. */
export function prefixed(prefix: string, layer: TensorNames['layer']): TensorNames['layer'] {
  return Object.fromEntries(Object.entries(layer).map(([part, stem]) => [part, `${prefix}${stem}`]))
}

/** Names with the prefix under which the file has an embedding; with the first prefix if it has none. */
export function withPrefix(names: TensorNames, has: (name: string) => boolean): TensorNames {
  const { prefixes = [''] } = names
  const prefix = prefixes.find((candidate) => has(`${candidate}${names.embedding}.weight`)) ?? prefixes[0] ?? ''
  const whole = (stem: string | undefined): string | undefined => stem && `${prefix}${stem}`
  return {
    ...names,
    embedding: `${prefix}${names.embedding}`,
    ...withoutAbsent({
      positions: whole(names.positions),
      types: whole(names.types),
      embeddingNorm: whole(names.embeddingNorm),
      finalNorm: whole(names.finalNorm),
      pooler: whole(names.pooler),
    }),
    layer: prefixed(prefix, names.layer),
  }
}

function withoutAbsent<K extends string>(stems: Readonly<Record<K, string | undefined>>): Partial<Record<K, string>> {
  return Object.fromEntries(Object.entries(stems).filter(([, stem]) => stem !== undefined)) as Partial<
    Record<K, string>
  >
}
