import { TesseraError } from '@tessera-llm/tensor'

/**
 * −log softmax(logits)[target] in nats, summed in float64. `logits` is one row, `[vocabSize]`.
 *
 * @throws TesseraError `invalid-value` for a target outside the row, or if the result is NaN because the model
 * overflowed
 */
export function negativeLogLikelihood(logits: ArrayLike<number>, target: number): number {
  const { length } = logits
  if (!Number.isInteger(target) || target < 0 || target >= length)
    throw new TesseraError(
      'invalid-value',
      `perplexity: the token id ${target} is not in the vocabulary (0 … ${length - 1})`,
    )
  let max = Number.NEGATIVE_INFINITY
  for (let i = 0; i < length; i++) {
    const logit = logits[i] as number
    if (logit > max) max = logit
  }
  let sum = 0
  for (let i = 0; i < length; i++) sum += Math.exp((logits[i] as number) - max)
  const nll = max + Math.log(sum) - (logits[target] as number)
  if (Number.isNaN(nll))
    throw new TesseraError(
      'invalid-value',
      'perplexity: the logits hold NaN or infinities; the model overflows in this arithmetic',
    )
  return nll
}
