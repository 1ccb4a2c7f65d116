import { TesseraError } from '@tessera-llm/tensor'

/** Median and quartiles. A wide range between the quartiles means a noisy machine. */
export interface Summary {
  readonly median: number
  readonly q1: number
  readonly q3: number
  readonly rounds: number
}

/** Value below which a fraction `p` of the sample lies, interpolated linearly (R's type 7). */
export function quantile(values: readonly number[], p: number): number {
  if (values.length === 0)
    throw new TesseraError('invalid-value', 'quantile: the sample is empty; measure at least one round')
  if (!(p >= 0 && p <= 1)) throw new TesseraError('invalid-option', `quantile: p must lie between 0 and 1, not ${p}`)
  const wrong = values.find((value) => !Number.isFinite(value))
  if (wrong !== undefined) throw new TesseraError('invalid-value', `quantile: every value must be finite, not ${wrong}`)
  const sorted = [...values].sort((a, b) => a - b)
  const position = p * (sorted.length - 1)
  const below = sorted[Math.floor(position)] as number
  const above = sorted[Math.ceil(position)] as number
  return below + (above - below) * (position - Math.floor(position))
}

export function summarize(values: readonly number[]): Summary {
  return {
    median: quantile(values, 0.5),
    q1: quantile(values, 0.25),
    q3: quantile(values, 0.75),
    rounds: values.length,
  }
}

/**
 * How much better `ours` is than `theirs`, round by round, so that a slow phase of the machine affects both sides of a
 * ratio. Above 1 is better, for either direction of the metric. Ignores rounds in which one side failed (`undefined`);
 * `undefined` if no round has both.
 */
export function pairedRatio(
  ours: readonly (number | undefined)[],
  theirs: readonly (number | undefined)[],
  better: 'higher' | 'lower',
): Summary | undefined {
  if (ours.length !== theirs.length)
    throw new TesseraError(
      'invalid-value',
      `pairedRatio: both sides need the same rounds, not ${ours.length} and ${theirs.length}`,
    )
  const ratios: number[] = []
  for (const [round, left] of ours.entries()) {
    const right = theirs[round]
    if (left === undefined || right === undefined) continue
    if (!(left > 0 && right > 0))
      throw new TesseraError(
        'invalid-value',
        `pairedRatio: figures must be positive, not ${left} and ${right} in round ${round + 1}`,
      )
    ratios.push(better === 'higher' ? left / right : right / left)
  }
  return ratios.length === 0 ? undefined : summarize(ratios)
}
