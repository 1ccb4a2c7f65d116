import { TesseraError } from '@tessera-llm/tensor'
import { checkRotation, type KeyRotation } from './align-heads.ts'
import { checkGroups, neighbours } from './group-heads.ts'
import { checkHeadWeights, type HeadWeights } from './head-weights.ts'
import { type HeadMoments, mapHeads } from './map-heads.ts'
import { averageRows, mapColumns, mapRows, type MapOf } from './map-projection.ts'

interface CommonOptions {
  /** KV heads afterwards: a divisor of those before. 1 makes multi-query attention (arXiv 1911.02150). */
  readonly numKvHeads: number
  /** Which KV heads become one, for each new head; when absent, neighbours, or those that are most alike where there are moments. */
  readonly groups?: readonly (readonly number[])[] | undefined
}

/**
 * `mean`: the heads of a group are averaged (GQA, arXiv 2305.13245). `first`: the first of each group stays. `activation`: heads are
 * first turned so that their activations agree as well as they can, by rotations that leave the layer's function as it is; those that
 * agree best are grouped, and then averaged (arXiv 2412.20677). `principal`: grouped alike, and replaced by the principal components of
 * their activations, weighted by what an error would cost; query heads and the output's columns take up what restores each head.
 */
export type ConvertHeadsOptions = CommonOptions &
  (
    | { readonly method: 'mean' | 'first' }
    | {
        readonly method: 'activation' | 'principal'
        readonly moments: HeadMoments
        /** What stands between the projections of q and k and their product, and so which maps they may share. */
        readonly keyRotation: KeyRotation
      }
  )

export interface ConvertedHeads {
  /** Arrays that did not change are those that were passed in. */
  readonly weights: HeadWeights
  /** The former KV heads of each new one. */
  readonly groups: readonly (readonly number[])[]
  /** The former index of each query head; what a model keeps by query head (sinks, ALiBi slopes) moves alike. */
  readonly queryOrder: readonly number[]
}

/**
 * Gives an attention layer fewer KV heads, and with them a smaller cache: MHA becomes GQA or MQA, GQA becomes MQA. Query heads that come
 * to share a KV head are moved next to each other, and the columns of the output projection with them, which changes nothing by itself.
 * Sums are float64. What merging loses, only training or distillation brings back.
 *
 * @throws TesseraError `invalid-shape` for weights that do not fit the head counts, `invalid-option` for a head count that does not
 * divide, groups that are none, moments of another size
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
