import { TesseraError } from '@tessera-llm/tensor'

/** The tokens that are still in the running, by rising id, with their logits. */
export interface Candidates {
  readonly ids: Int32Array
  readonly logits: Float64Array
}

/** Every token of the vocabulary. Throws `invalid-value` for logits that hold NaN or +∞, or nothing finite. */
export function allCandidates(logits: ArrayLike<number>): Candidates {
  const values = Float64Array.from(logits)
  checkLogits(values)
  return { ids: Int32Array.from(values, (_, index) => index), logits: values }
}

/** Those that `keep` holds true for, by their place. */
export function keepWhere({ ids, logits }: Candidates, keep: (place: number) => boolean): Candidates {
  const places: number[] = []
  for (let place = 0; place < ids.length; place++) if (keep(place)) places.push(place)
  return { ids: Int32Array.from(places, (place) => ids[place] as number), logits: Float64Array.from(places, (place) => logits[place] as number) }
}

/** Softmax of the logits; −∞ gives exactly 0. Throws `invalid-value` when nothing is finite. */
export function probabilities(logits: Float64Array): Float64Array {
  const max = largestOf(logits)
  if (!Number.isFinite(max)) throw new TesseraError('invalid-value', `sampler: of ${logits.length} tokens none is left to draw; the logit bias forbids them all`)
  const out = logits.map((value) => Math.exp(value - max))
  const sum = out.reduce((a, b) => a + b, 0)
  return out.map((value) => value / sum)
}

/** First place whose cumulative probability exceeds `uniform`; rounding never falls off the end. */
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

/** The place of the largest value, of equal ones the first. Throws `invalid-value` as `allCandidates` does. */
export function placeOfLargest(values: Float32Array | Float64Array): number {
  checkLogits(values)
  let best = 0
  for (let place = 1; place < values.length; place++) if ((values[place] as number) > (values[best] as number)) best = place
  return best
}

export function largestOf(values: Float64Array): number {
  return values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
}

function checkLogits(values: Float32Array | Float64Array): void {
  let finite = 0
  for (let place = 0; place < values.length; place++) {
    const value = values[place] as number
    if (!(value < Number.POSITIVE_INFINITY)) throw new TesseraError('invalid-value', `sampler: the logit of token ${place} is ${value}; the model or its device computed nonsense`)
    if (value !== Number.NEGATIVE_INFINITY) finite++
  }
  if (finite === 0) throw new TesseraError('invalid-value', `sampler: none of the ${values.length} logits is finite; there is no token to draw`)
}
