import { TesseraError } from '@tessera-llm/tensor'

/** A token and the natural logarithm of its probability. */
export interface TokenLogprob {
  readonly id: number
  readonly logprob: number
}

/** Throws `invalid-option` unless `count` is a number of alternatives. */
export function checkLogprobs(count: number | undefined): void {
  if (count === undefined || (Number.isSafeInteger(count) && count >= 0)) return
  throw new TesseraError(
    'invalid-option',
    `generate: logprobs must be an integer of at least 0, how many alternatives each token comes with, not ${count}; leave it out for none`,
  )
}

/**
 * The log-softmax of `logits` at token `id`, and at the `count` most likely tokens, most likely first; ties by
 * ascending id.
 */
export function logProbabilities(
  logits: Float32Array,
  id: number,
  count: number,
): { readonly logprob: number; readonly top: readonly TokenLogprob[] } {
  let max = Number.NEGATIVE_INFINITY
  for (const value of logits) if (value > max) max = value
  let sum = 0
  for (const value of logits) sum += Math.exp(value - max)
  const shift = max + Math.log(sum)
  // An insertion-sorted short list: most of a vocabulary never enters it.
  const ids: number[] = []
  for (let token = 0; token < logits.length && count > 0; token++) {
    const value = logits[token] as number
    if (ids.length === count && value <= (logits[ids[count - 1] as number] as number)) continue
    let place = ids.length
    while (place > 0 && (logits[ids[place - 1] as number] as number) < value) place -= 1
    ids.splice(place, 0, token)
    if (ids.length > count) ids.pop()
  }
  const logprobOf = (token: number): number => (logits[token] as number) - shift
  return { logprob: logprobOf(id), top: ids.map((token) => ({ id: token, logprob: logprobOf(token) })) }
}
