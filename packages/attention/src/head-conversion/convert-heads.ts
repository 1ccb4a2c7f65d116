import { TesseraError } from '@tessera-llm/tensor'
import { checkRotation, type KeyRotation } from './align-heads.ts'
import { checkGroups, neighbours } from './group-heads.ts'
import { checkHeadWeights, type HeadWeights } from './head-weights.ts'
import { type HeadMoments, mapHeads } from './map-heads.ts'
import { averageRows, mapColumns, mapRows, type MapOf } from './map-projection.ts'

interface CommonOptions {
  /**
   * KV heads after the conversion: a divisor of the number before. 1 gives multi-query attention (arXiv 1911.02150).
   */
  readonly numKvHeads: number
  /** KV heads to merge, for each new head. Default: neighbors, or with moments the most similar heads. */
  readonly groups?: readonly (readonly number[])[] | undefined
}

/**
 * `mean`: averages the heads of a group (GQA, arXiv 2305.13245). `first`: keeps the first head of each group.
 * `activation`: rotates heads so that their activations agree as well as possible, by rotations that leave the layer's
 * function unchanged, groups those that agree best, and averages them (arXiv 2412.20677). `principal`: groups alike and
 * replaces each group by the principal components of its activations, weighted by the cost of an error; query heads and
 * output columns absorb the maps that restore each head.
 */
export type ConvertHeadsOptions = CommonOptions &
  (
    | { readonly method: 'mean' | 'first' }
    | {
        readonly method: 'activation' | 'principal'
        readonly moments: HeadMoments
        /** Rotations that q and k may share: depends on what is between their projections and their product. */
        readonly keyRotation: KeyRotation
      }
  )

/** Result of `convertHeads`. */
export interface ConvertedHeads {
  /** Converted weights. Unchanged arrays are the ones passed in. */
  readonly weights: HeadWeights
  /** Former KV heads of each new one. */
  readonly groups: readonly (readonly number[])[]
  /** Former index of each query head; per-head data of a model (sinks, ALiBi slopes) must be reordered alike. */
  readonly queryOrder: readonly number[]
}

/**
 * Reduces the KV heads of an attention layer, and with them its cache: MHA becomes GQA or MQA, GQA becomes MQA. Query
 * heads that share a KV head afterwards become adjacent, as do their columns of the output projection, which changes
 * nothing by itself. Sums are float64. Only training or distillation recovers what merging loses.
 *
 * @throws TesseraError `invalid-shape` if the weights do not fit the head counts; `invalid-option` if a head count does
 * not divide, or groups or moments do not fit
 */
export function convertHeads(weights: HeadWeights, options: ConvertHeadsOptions): ConvertedHeads {
  checkHeadWeights(weights)
  const { numHeads, numKvHeads: before, headDim, valueDim = headDim, query, key, value, output } = weights
  const { numKvHeads: after, method } = options
  if (!['mean', 'first', 'activation', 'principal'].includes(method))
    throw new TesseraError(
      'invalid-option',
      `convertHeads: method must be mean, first, activation or principal, not ${String(method)}`,
    )
  if (!Number.isSafeInteger(after) || after < 1 || before % after !== 0) {
    throw new TesseraError(
      'invalid-option',
      `convertHeads: numKvHeads must divide the ${before} KV heads that there are (${divisors(before).join(', ')}), but is ${after}`,
    )
  }
  const given = options.groups && checkGroups(options.groups, before, after)
  if ('keyRotation' in options) checkRotation(options.keyRotation, headDim)
  const mapped = 'moments' in options ? mapHeads(weights, { ...options, groups: given }) : undefined
  const groups = mapped?.groups ?? given ?? neighbours(before, after)
  const ratio = numHeads / before
  const queryOrder = groups.flatMap((group) =>
    group.flatMap((head) => Array.from({ length: ratio }, (_, i) => head * ratio + i)),
  )
  const sources = method === 'first' ? groups.map((group) => group.slice(0, 1)) : groups
  const byKvHead = (maps: readonly Float64Array[] | undefined): MapOf | undefined => maps && ((head) => maps[head])
  const byQueryHead = (maps: readonly Float64Array[] | undefined): MapOf | undefined =>
    maps && ((head) => maps[Math.floor(head / ratio)])
  return {
    groups,
    queryOrder,
    weights: {
      ...weights,
      numKvHeads: after,
      query: mapRows(query, headDim, queryOrder, byQueryHead(mapped?.query)),
      key: averageRows(key, headDim, before, sources, byKvHead(mapped?.key)),
      value: averageRows(value, valueDim, before, sources, byKvHead(mapped?.value)),
      output: { ...output, weight: mapColumns(output.weight, valueDim, queryOrder, byQueryHead(mapped?.output)) },
    },
  }
}

function divisors(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i + 1).filter((divisor) => count % divisor === 0)
}
