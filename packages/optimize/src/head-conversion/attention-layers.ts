import type { Checkpoint } from '@tessera-llm/formats'
import { type Fields, readFields } from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'
import type { ModelWeight, ModelWeights } from '../weights/index.ts'

/** Sizes of the attention of a checkpoint, the same in every layer. */
export interface AttentionSizes {
  readonly architecture: string
  readonly numHeads: number
  readonly numKvHeads: number
}

/** The stored projections of one layer. */
export interface StoredAttention {
  readonly weights: Readonly<Record<'query' | 'key' | 'value' | 'output', ModelWeight>>
  readonly biases: Readonly<Partial<Record<'query' | 'key' | 'value', ModelWeight>>>
}

/**
 * Head counts from the metadata of a GGUF file, or from `config.json`. Throws `invalid-file`, and `unsupported` if
 * counts differ between layers.
 */
export function attentionSizes(checkpoint: Checkpoint, config: Fields | undefined): AttentionSizes {
  if (checkpoint.container === 'gguf') {
    const fields = readFields(checkpoint.metadata as Fields, 'GGUF metadata')
    const architecture = fields.string('general.architecture')
    const numHeads = fields.integer(`${architecture}.attention.head_count`)
    const perLayer = checkpoint.metadata[`${architecture}.attention.head_count_kv`]
    if (!Array.isArray(perLayer))
      return { architecture, numHeads, numKvHeads: fields.integer(`${architecture}.attention.head_count_kv`, numHeads) }
    const [first, ...others] = perLayer as readonly unknown[]
    if (typeof first !== 'number' || others.some((count) => count !== first))
      throw new TesseraError(
        'unsupported',
        `convert-heads: the layers of this file have different numbers of KV heads (${perLayer.join(', ')}); only equal ones can be converted`,
      )
    return { architecture, numHeads, numKvHeads: first }
  }
  if (config === undefined)
    throw new TesseraError(
      'invalid-option',
      'convert-heads: a safetensors checkpoint does not say its head counts; pass the config.json that lies beside it',
    )
  const fields = readFields(config, 'config.json')
  const numHeads = fields.integer('num_attention_heads')
  return {
    architecture: fields.string('model_type'),
    numHeads,
    numKvHeads: fields.integer('num_key_value_heads', numHeads),
  }
}

/** The attention of every layer, in order. Throws `unsupported` for projections that are not stored separately. */
export function attentionLayers(weights: ModelWeights, architecture: string): readonly StoredAttention[] {
  const layers: StoredAttention[] = []
  const need = (name: string): ModelWeight => {
    const weight = weights.get(name)
    if (!weight)
      throw new TesseraError(
        'unsupported',
        `convert-heads: the ${architecture} checkpoint has no ${name}; only projections that are stored one by one can be converted, not fused ones`,
      )
    return weight
  }
  for (let index = 0; index === 0 || weights.has(`layers.${index}.attention.key`); index++) {
    const of = (part: string): string => `layers.${index}.attention.${part}`
    layers.push({
      weights: { query: need(of('query')), key: need(of('key')), value: need(of('value')), output: need(of('output')) },
      biases: Object.fromEntries(
        ['query', 'key', 'value'].flatMap((part) => {
          const bias = weights.get(of(`${part}.bias`))
          return bias ? [[part, bias]] : []
        }),
      ),
    })
  }
  return layers
}
