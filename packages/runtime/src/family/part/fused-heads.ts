import type { TransformerConfig } from '../../config/index.ts'
import type { StoredPart } from '../model.ts'
import type { TensorNames } from '../names/index.ts'

/** Row ranges of queries, keys and values in their fused matrix. */
export function fusedHeads(
  { numHeads, numKvHeads, headDim }: Pick<TransformerConfig, 'numHeads' | 'numKvHeads' | 'headDim'>,
  order: NonNullable<TensorNames['fusedOrder']>,
): Readonly<Record<'query' | 'key' | 'value', StoredPart>> {
  const storedRows = (numHeads + 2 * numKvHeads) * headDim
  const from = (...ranges: [number, number][]): StoredPart => ({ storedRows, ranges })
  if (order === 'stacked') {
    const [keys, values] = [numHeads * headDim, (numHeads + numKvHeads) * headDim]
    return { query: from([0, keys]), key: from([keys, values]), value: from([values, storedRows]) }
  }
  const groupRows = storedRows / numKvHeads
  const each = (begin: number, end: number): StoredPart =>
    from(
      ...Array.from({ length: numKvHeads }, (_, group): [number, number] => [
        group * groupRows + begin,
        group * groupRows + end,
      ]),
    )
  return {
    query: each(0, groupRows - 2 * headDim),
    key: each(groupRows - 2 * headDim, groupRows - headDim),
    value: each(groupRows - headDim, groupRows),
  }
}
