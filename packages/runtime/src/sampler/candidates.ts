import { TesseraError } from '@tessera-llm/tensor'

/** The tokens that may still be drawn, by ascending id, with their logits. */
export interface Candidates {
  readonly ids: Int32Array
  readonly logits: Float64Array
}

/**
 * Every token of the vocabulary.
 *
 * @throws TesseraError `invalid-value` for logits that contain NaN or +∞, or no finite value
 */
export function allCandidates(logits: Float32Array): Candidates {
  checkLogits(logits)
  const ids = new Int32Array(logits.length)
  for (let id = 0; id < ids.length; id++) ids[id] = id
  return { ids, logits: new Float64Array(logits) }
}

/** Candidates for whose place in the list `keep` returns true. */
export function keepWhere({ ids, logits }: Candidates, keep: (place: number) => boolean): Candidates {
  const keptIds = new Int32Array(ids.length)
  const keptLogits = new Float64Array(ids.length)
  let count = 0
  for (let place = 0; place < ids.length; place++) {
    if (!keep(place)) continue
    keptIds[count] = ids[place] as number
    keptLogits[count++] = logits[place] as number
  }
  return { ids: keptIds.subarray(0, count), logits: keptLogits.subarray(0, count) }
}

/**
 * Softmax of the logits; −∞ gives exactly 0.
 *
 * @throws TesseraError `invalid-value` if no logit is finite
 */
export function probabilities(logits: Float64Array): Float64Array {
  const max = largestOf(logits)
  if (!Number.isFinite(max))
    throw new TesseraError(
      'invalid-value',
      `sampler: of ${logits.length} tokens none is left to draw; the logit bias forbids them all`,
    )
  // Loops are ten times as fast as callbacks over a vocabulary of 262 144 tokens.
  const out = new Float64Array(logits.length)
  let sum = 0
  for (let place = 0; place < logits.length; place++) sum += out[place] = Math.exp((logits[place] as number) - max)
  for (let place = 0; place < out.length; place++) out[place] = (out[place] as number) / sum
  return out
}

/**
 * First place whose cumulative probability exceeds `uniform`; the last place with a positive probability if rounding
 * leaves the sum below it.
 */
export function draw(distribution: ArrayLike<number>, uniform: number): number {
  let cumulative = 0
  let last = 0
  for (let place = 0; place < distribution.length; place++) {
    const probability = distribution[place] as number
    if (probability === 0) continue
    cumulative += probability
    if (cumulative > uniform) return place
    last = place
  }
  return last
}

/**
 * Place of the largest value; the first of equal ones.
 *
 * @throws TesseraError `invalid-value` as `allCandidates`
 */
export function placeOfLargest(values: Float32Array | Float64Array): number {
  checkLogits(values)
  let best = 0
  for (let place = 1; place < values.length; place++)
    if ((values[place] as number) > (values[best] as number)) best = place
  return best
}

export function largestOf(values: Float64Array): number {
  let largest = Number.NEGATIVE_INFINITY
  for (let place = 0; place < values.length; place++) {
    const value = values[place] as number
    // The negated comparison also selects NaN, which is then refused.
    if (!(value <= largest)) largest = value
    if (Number.isNaN(largest)) break
  }
  return largest
}

function checkLogits(values: Float32Array | Float64Array): void {
  let finite = 0
  for (let place = 0; place < values.length; place++) {
    const value = values[place] as number
    if (!(value < Number.POSITIVE_INFINITY))
      throw new TesseraError(
        'invalid-value',
        `sampler: the logit of token ${place} is ${value}; the model or its device computed nonsense`,
      )
    if (value !== Number.NEGATIVE_INFINITY) finite++
  }
  if (finite === 0)
    throw new TesseraError(
      'invalid-value',
      `sampler: none of the ${values.length} logits is finite; there is no token to draw`,
    )
}
