import { TesseraError } from '@tessera-llm/tensor'
import { alignHeads, checkRotation, type KeyRotation, type Moments, similarity } from './align-heads.ts'
import { checkGroups, groupBySimilarity, neighbours } from './group-heads.ts'
import { checkHeadWeights, type HeadWeights } from './head-weights.ts'
import { averageRows, rotateColumns, rotateRows, type RotationOf } from './rotate-projection.ts'

/**
 * What the KV heads of a layer gave on calibration text, biases included and before rotary positions: Σ over tokens of y yᵀ, row-major.
 * `createMomentSum` adds it up.
 */
export interface HeadMoments {
  /** [numKvHeads · headDim, numKvHeads · headDim] */
  readonly key: Float64Array
  /** [numKvHeads · valueDim, numKvHeads · valueDim] */
  readonly value: Float64Array
}

interface CommonOptions {
  /** KV heads afterwards: a divisor of those before. 1 makes multi-query attention (arXiv 1911.02150). */
  readonly numKvHeads: number
  /** Which KV heads become one, for each new head; neighbours when absent, and for `activation` those that are most alike. */
  readonly groups?: readonly (readonly number[])[] | undefined
}

/**
 * `mean`: the heads of a group are averaged (GQA, arXiv 2305.13245). `first`: the first of each group stays. `activation`: heads are
 * first turned so that their activations agree as well as they can, by rotations that leave the layer's function as it is; those that
 * agree best are grouped, and then averaged (arXiv 2412.20677).
 */
export type ConvertHeadsOptions = CommonOptions & (
  | { readonly method: 'mean' | 'first' }
  | {
    readonly method: 'activation'
    readonly moments: HeadMoments
    /** What stands between the projections of q and k and their product, and so which rotations they may share. */
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
  const { numKvHeads: after } = options
  if (!['mean', 'first', 'activation'].includes(options.method)) throw new TesseraError('invalid-option', `convertHeads: method must be mean, first or activation, not ${String(options.method)}`)
  if (!Number.isSafeInteger(after) || after < 1 || before % after !== 0) {
    throw new TesseraError('invalid-option', `convertHeads: numKvHeads must divide the ${before} KV heads that there are (${divisors(before).join(', ')}), but is ${after}`)
  }
  const aligned = options.method === 'activation' ? align(weights, options) : undefined
  const groups = aligned?.groups ?? checkGroups(options.groups ?? neighbours(before, after), before, after)
  const ratio = numHeads / before
  const queryOrder = groups.flatMap((group) => group.flatMap((head) => Array.from({ length: ratio }, (_, i) => head * ratio + i)))
  const sources = options.method === 'first' ? groups.map((group) => group.slice(0, 1)) : groups
  // Query heads turn as their keys do, columns of the output as their values.
  const byKvHead = (rotations: readonly Float64Array[] | undefined): RotationOf | undefined => rotations && ((head) => rotations[head])
  const byQueryHead = (rotations: readonly Float64Array[] | undefined): RotationOf | undefined => rotations && ((head) => rotations[Math.floor(head / ratio)])
  return {
    groups,
    queryOrder,
    weights: {
      ...weights,
      numKvHeads: after,
      query: rotateRows(query, headDim, queryOrder, byQueryHead(aligned?.key)),
      key: averageRows(key, headDim, before, sources, byKvHead(aligned?.key)),
      value: averageRows(value, valueDim, before, sources, byKvHead(aligned?.value)),
      output: { ...output, weight: rotateColumns(output.weight, valueDim, queryOrder, byQueryHead(aligned?.value)) },
    },
  }
}

interface Alignment {
  readonly groups: readonly (readonly number[])[]
  /** A rotation for each former KV head; undefined where no heads merge. */
  readonly key: readonly Float64Array[] | undefined
  readonly value: readonly Float64Array[] | undefined
}

function align({ numKvHeads: numHeads, headDim, valueDim = headDim }: HeadWeights, options: ConvertHeadsOptions & { readonly method: 'activation' }): Alignment {
  const { moments, keyRotation, numKvHeads: numGroups } = options
  checkRotation(keyRotation, headDim)
  const key = momentsOf('key', moments.key, numHeads, headDim)
  const value = momentsOf('value', moments.value, numHeads, valueDim)
  const anyRotation: KeyRotation = { kind: 'orthogonal' }
  const choose = (): readonly (readonly number[])[] => {
    if (numGroups === 1 || numGroups === numHeads) return neighbours(numHeads, numGroups)
    const similarities = new Float64Array(numHeads * numHeads)
    for (let i = 0; i < numHeads; i++) {
      for (let j = 0; j < i; j++) similarities[i * numHeads + j] = similarities[j * numHeads + i] = similarity(key, i, j, keyRotation) + similarity(value, i, j, anyRotation)
    }
    return groupBySimilarity(similarities, numHeads, numGroups)
  }
  const groups = options.groups ? checkGroups(options.groups, numHeads, numGroups) : choose()
  if (numGroups === numHeads) return { groups, key: undefined, value: undefined }
  const keyRotations: Float64Array[] = []
  const valueRotations: Float64Array[] = []
  for (const group of groups) {
    for (const [index, rotation] of alignHeads(key, group, keyRotation).entries()) keyRotations[group[index] as number] = rotation
    for (const [index, rotation] of alignHeads(value, group, anyRotation).entries()) valueRotations[group[index] as number] = rotation
  }
  return { groups, key: keyRotations, value: valueRotations }
}

function momentsOf(name: string, data: Float64Array, numHeads: number, size: number): Moments {
  if (data.length !== (numHeads * size) ** 2) {
    throw new TesseraError('invalid-option', `convertHeads: moments.${name} must be [${numHeads * size}, ${numHeads * size}] for ${numHeads} heads of ${size}, but has ${data.length} values`)
  }
  if (!data.every(Number.isFinite)) throw new TesseraError('invalid-value', `convertHeads: moments.${name} holds ${data.find((moment) => !Number.isFinite(moment))}; the calibration overflowed`)
  return { data, numHeads, size }
}

function divisors(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i + 1).filter((divisor) => count % divisor === 0)
}
