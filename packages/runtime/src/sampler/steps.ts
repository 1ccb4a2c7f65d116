import { TesseraError } from '@tessera-llm/tensor'
import { type Candidates, keepWhere, largestOf, probabilities } from './candidates.ts'

/** One step of a sampler: changes logits or drops tokens. `history` holds the prompt and the generated tokens. */
export type SamplerStep = (candidates: Candidates, history: readonly number[]) => Candidates

/** Adds to single logits, by token id. The step throws `invalid-option` for an id outside the vocabulary. */
export function logitBias(bias: Readonly<Record<number, number>>): SamplerStep {
  const entries = Object.entries(bias).map(([id, value]) => [Number(id), value] as const)
  for (const [id, value] of entries) {
    if (!Number.isInteger(id) || id < 0 || Number.isNaN(value) || value === Number.POSITIVE_INFINITY)
      throw new TesseraError(
        'invalid-option',
        `sampler: logitBias gives ${id} the value ${value}; it maps token ids to finite numbers or −∞`,
      )
  }
  return ({ ids, logits }) => {
    const changed = new Float64Array(logits)
    for (const [id, value] of entries) {
      const place = placeOf(ids, id)
      if (id > (ids.at(-1) as number))
        throw new TesseraError(
          'invalid-option',
          `sampler: logitBias names the token ${id}, but the last one of the vocabulary is ${ids.at(-1)}`,
        )
      if (place >= 0) changed[place] = (changed[place] as number) + value
    }
    return { ids, logits: changed }
  }
}

/** Divides positive and multiplies negative logits of tokens in the history (Keskar et al. 2019). */
export function repetitionPenalty(penalty: number): SamplerStep {
  checkRange('repetitionPenalty', penalty, 1e-6, 1e6)
  return penalise((value) => (value < 0 ? value * penalty : value / penalty))
}

/** Subtracts `frequency` for each occurrence of a token in the history, and `presence` once (OpenAI). */
export function usePenalty(frequency: number, presence: number): SamplerStep {
  checkRange('frequencyPenalty', frequency, -1e6, 1e6)
  checkRange('presencePenalty', presence, -1e6, 1e6)
  return penalise((value, count) => value - frequency * count - presence)
}

/** Divides the logits. */
export function temperature(value: number): SamplerStep {
  checkRange('temperature', value, Number.MIN_VALUE, 1e6)
  // Subtracting the maximum first keeps a tiny temperature from overflowing.
  return ({ ids, logits }) => {
    const max = largestOf(logits)
    const changed = new Float64Array(logits.length)
    for (let place = 0; place < logits.length; place++) changed[place] = ((logits[place] as number) - max) / value
    return { ids, logits: changed }
  }
}

/** Keeps the `count` largest logits, and ties of the last. */
export function topK(count: number): SamplerStep {
  if (!Number.isInteger(count) || count < 1)
    throw new TesseraError(
      'invalid-option',
      `sampler: topK must be a positive integer, not ${count}; leave it out for no limit`,
    )
  return (candidates) => {
    const { logits } = candidates
    if (count >= logits.length) return candidates
    const threshold = kthLargest(logits, count)
    return keepWhere(candidates, (place) => (logits[place] as number) >= threshold)
  }
}

/** Keeps the fewest most likely tokens whose total probability reaches `mass`, at least one (Holtzman et al. 2020). */
export function topP(mass: number): SamplerStep {
  checkRange('topP', mass, 0, 1)
  return (candidates) => {
    const distribution = probabilities(candidates.logits)
    // Tokens below this threshold hold less than 1 − mass together, so none of them is needed and they are not sorted.
    // The factor ½ covers rounding.
    const least = (1 - mass) / distribution.length / 2
    const falling = distribution
      .filter((probability) => probability >= least)
      .sort()
      .reverse()
    let before = 0
    let kept = 0
    while (kept < falling.length && (kept === 0 || before < mass)) before += falling[kept++] as number
    const threshold = falling[kept - 1] as number
    let ties = kept - falling.indexOf(threshold)
    return keepWhere(
      candidates,
      (place) => (distribution[place] as number) > threshold || (distribution[place] === threshold && ties-- > 0),
    )
  }
}

/** Drops tokens below `share` times the largest probability. */
export function minP(share: number): SamplerStep {
  checkRange('minP', share, 0, 1)
  return (candidates) => {
    const threshold = largestOf(candidates.logits) + Math.log(share)
    return keepWhere(candidates, (place) => (candidates.logits[place] as number) >= threshold)
  }
}

/**
 * Keeps the tokens whose information is nearest the entropy until their total probability reaches `mass`, and ties of
 * the last (Meister et al. 2023).
 */
export function typicalP(mass: number): SamplerStep {
  checkRange('typicalP', mass, 0, 1)
  return (candidates) => {
    const distribution = probabilities(candidates.logits)
    const surprise = distribution.map((probability) => -Math.log(probability))
    let entropy = 0
    for (let place = 0; place < surprise.length; place++)
      if (distribution[place] !== 0) entropy += (distribution[place] as number) * (surprise[place] as number)
    const distance = surprise.map((value) => Math.abs(value - entropy))
    const order = Array.from(distance.keys()).sort((a, b) => (distance[a] as number) - (distance[b] as number))
    let sum = 0
    let limit = 0
    for (const place of order) {
      limit = distance[place] as number
      sum += distribution[place] as number
      if (sum >= mass) break
    }
    return keepWhere(candidates, (place) => (distance[place] as number) <= limit && distribution[place] !== 0)
  }
}

function penalise(change: (logit: number, count: number) => number): SamplerStep {
  return ({ ids, logits }, history) => {
    const counts = new Map<number, number>()
    for (const id of history) counts.set(id, (counts.get(id) ?? 0) + 1)
    const changed = new Float64Array(logits)
    for (const [id, count] of counts) {
      const place = placeOf(ids, id)
      if (place >= 0) changed[place] = change(changed[place] as number, count)
    }
    return { ids, logits: changed }
  }
}

/** Binary search in ascending ids; −1 if the token was dropped. */
function placeOf(ids: Int32Array, id: number): number {
  let low = 0
  let high = ids.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ids[middle] as number) < id) low = middle + 1
    else high = middle
  }
  return ids[low] === id ? low : -1
}

/** The `count`-th largest value, by a heap of the largest so far: most of a vocabulary never enters it. */
function kthLargest(values: Float64Array, count: number): number {
  const heap = values.slice(0, count).sort()
  for (let at = count; at < values.length; at++) {
    const value = values[at] as number
    if (value <= (heap[0] as number)) continue
    let parent = 0
    for (;;) {
      let child = 2 * parent + 1
      if (child >= count) break
      if (child + 1 < count && (heap[child + 1] as number) < (heap[child] as number)) child++
      if ((heap[child] as number) >= value) break
      heap[parent] = heap[child] as number
      parent = child
    }
    heap[parent] = value
  }
  return heap[0] as number
}

export function checkRange(name: string, value: number, min: number, max: number): void {
  if (!(value >= min && value <= max))
    throw new TesseraError('invalid-option', `sampler: ${name} must be between ${min} and ${max}, not ${value}`)
}
