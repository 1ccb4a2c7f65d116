import { TesseraError } from '@tessera-llm/tensor'
import { alignHeads, type KeyRotation, type Moments, similarity } from './align-heads.ts'
import { groupBySimilarity, neighbours } from './group-heads.ts'
import type { HeadWeights } from './head-weights.ts'
import { identity } from './jacobi.ts'
import { principalMaps } from './principal-heads.ts'

/**
 * Second moments of a layer's heads on calibration text, biases included and before rotary positions: Σ over tokens of
 * y yᵀ, row-major. `createMomentSum` accumulates them.
 */
export interface HeadMoments {
  /** [numKvHeads · headDim, numKvHeads · headDim] */
  readonly key: Float64Array
  /** [numKvHeads · valueDim, numKvHeads · valueDim] */
  readonly value: Float64Array
  /**
   * [numKvHeads, headDim, headDim], each summed over the query heads that read the KV head: the cost of key errors.
   * Default: equal cost.
   */
  readonly query?: Float64Array | undefined
}

export interface MapHeadsOptions {
  readonly method: 'activation' | 'principal'
  readonly numKvHeads: number
  readonly moments: HeadMoments
  readonly keyRotation: KeyRotation
  readonly groups?: readonly (readonly number[])[] | undefined
}

/**
 * Maps of each former KV head, f64[size, size], applied to the rows of its projections; `output` ones are transposed
 * and applied from the right to its columns. Undefined means no map.
 */
export interface HeadMaps {
  readonly groups: readonly (readonly number[])[]
  readonly query: readonly Float64Array[] | undefined
  readonly key: readonly Float64Array[] | undefined
  readonly value: readonly Float64Array[] | undefined
  readonly output: readonly Float64Array[] | undefined
}

/** Groups heads by their activations and finds the maps under which the mean of a group's heads loses least. */
export function mapHeads(
  weights: HeadWeights,
  { method, numKvHeads: numGroups, moments, keyRotation, groups: given }: MapHeadsOptions,
): HeadMaps {
  const { numKvHeads: numHeads, headDim, valueDim = headDim } = weights
  const key = momentsOf('key', moments.key, numHeads, headDim)
  const value = momentsOf('value', moments.value, numHeads, valueDim)
  if (moments.query !== undefined && moments.query.length !== numHeads * headDim ** 2) {
    throw new TesseraError(
      'invalid-option',
      `convertHeads: moments.query must be [${numHeads}, ${headDim}, ${headDim}], but has ${moments.query.length} values`,
    )
  }
  const groups = given ?? chooseGroups(key, value, keyRotation, numGroups)
  if (numGroups === numHeads) return { groups, query: undefined, key: undefined, value: undefined, output: undefined }
  if (method === 'activation') {
    const keys = eachGroup(groups, (group) => alignHeads(key, group, keyRotation))
    const values = eachGroup(groups, (group) => alignHeads(value, group, anyRotation))
    return { groups, query: keys, key: keys, value: values, output: values }
  }
  const outputMetrics = Array.from({ length: numHeads }, (_, head) => outputMetric(weights, head))
  const valueMaps = groups.map((group) =>
    principalMaps(
      value,
      group,
      group.map((head) => outputMetrics[head] as Float64Array),
      anyRotation,
    ),
  )
  const values = eachGroup(groups, (_, index) => valueMaps[index]?.pool ?? [])
  const output = eachGroup(groups, (_, index) =>
    (valueMaps[index]?.expand ?? []).map((map) => transpose(map, valueDim)),
  )
  // A norm between projection and product allows no map, only the mean.
  if (keyRotation.kind === 'none') return { groups, query: undefined, key: undefined, value: values, output }
  const keyMetric = (head: number): Float64Array =>
    moments.query?.subarray(head * headDim ** 2, (head + 1) * headDim ** 2) ?? identity(headDim)
  const keyMaps = groups.map((group) => principalMaps(key, group, group.map(keyMetric), keyRotation))
  return {
    groups,
    key: eachGroup(groups, (_, index) => keyMaps[index]?.pool ?? []),
    query: eachGroup(groups, (_, index) => (keyMaps[index]?.expand ?? []).map((map) => transpose(map, headDim))),
    value: values,
    output,
  }
}

const anyRotation = { kind: 'orthogonal' } as const

function chooseGroups(
  key: Moments,
  value: Moments,
  keyRotation: KeyRotation,
  numGroups: number,
): readonly (readonly number[])[] {
  const { numHeads } = key
  if (numGroups === 1 || numGroups === numHeads) return neighbours(numHeads, numGroups)
  const similarities = new Float64Array(numHeads * numHeads)
  for (let i = 0; i < numHeads; i++) {
    for (let j = 0; j < i; j++)
      similarities[i * numHeads + j] = similarities[j * numHeads + i] =
        similarity(key, i, j, keyRotation) + similarity(value, i, j, anyRotation)
  }
  return groupBySimilarity(similarities, numHeads, numGroups)
}

/** Applies `make` to the members of each group; returns the results by head. */
function eachGroup(
  groups: readonly (readonly number[])[],
  make: (group: readonly number[], index: number) => readonly Float64Array[],
): readonly Float64Array[] {
  const maps: Float64Array[] = []
  for (const [index, group] of groups.entries())
    for (const [member, map] of make(group, index).entries()) maps[group[member] as number] = map
  return maps
}

/** f64[Dv, Dv]: cost of a KV head's value errors at the output, Σ Oₕᵀ Oₕ over the query heads that read it. */
function outputMetric(
  { numHeads, numKvHeads, headDim, valueDim = headDim, output: { weight } }: HeadWeights,
  head: number,
): Float64Array {
  const metric = new Float64Array(valueDim * valueDim)
  const width = numHeads * valueDim
  const ratio = numHeads / numKvHeads
  for (let row = 0; row < weight.length; row += width) {
    for (let from = row + head * ratio * valueDim; from < row + (head + 1) * ratio * valueDim; from += valueDim) {
      for (let i = 0; i < valueDim; i++) {
        const factor = weight[from + i] as number
        for (let j = 0; j < valueDim; j++)
          metric[i * valueDim + j] = (metric[i * valueDim + j] as number) + factor * (weight[from + j] as number)
      }
    }
  }
  return metric
}

function momentsOf(name: string, data: Float64Array, numHeads: number, size: number): Moments {
  if (data.length !== (numHeads * size) ** 2) {
    throw new TesseraError(
      'invalid-option',
      `convertHeads: moments.${name} must be [${numHeads * size}, ${numHeads * size}] for ${numHeads} heads of ${size}, but has ${data.length} values`,
    )
  }
  const wrong = data.find((moment) => !Number.isFinite(moment))
  if (wrong !== undefined)
    throw new TesseraError('invalid-value', `convertHeads: moments.${name} holds ${wrong}; the calibration overflowed`)
  return { data, numHeads, size }
}

function transpose(matrix: Float64Array, n: number): Float64Array {
  return Float64Array.from(matrix, (_, index) => matrix[(index % n) * n + Math.floor(index / n)] as number)
}
