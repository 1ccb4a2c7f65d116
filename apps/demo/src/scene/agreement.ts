import type { Screen } from '../terminal/index.ts'
import type { DeviceFigures } from './device.ts'

/** Largest difference of a logit from the first device's that f32 arithmetic in another order explains. */
export const logitBound = 2e-3

/** Says whether the devices compute the same. Returns whether they do. */
export function compareDevices(figures: readonly DeviceFigures[], screen: Screen): boolean {
  const [first, ...others] = figures
  if (!first || others.length === 0) return true
  screen.heading('do they agree?')
  let agree = true
  for (const other of others) {
    const difference = largestDifference(first.logits, other.logits)
    const isClose = difference <= logitBound
    agree &&= isClose
    screen.line(
      `${other.device}: ${isClose ? 'yes' : screen.bold('NO')}, logits differ by at most ${difference.toExponential(1)}${describeTokens(first.ids, other.ids)}`,
    )
  }
  screen.line(
    screen.dim(`compared with ${first.device}; f32 in another order explains differences up to ${logitBound}`),
  )
  return agree
}

export function largestDifference(a: Float32Array, b: Float32Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY
  let largest = 0
  for (const [index, value] of a.entries()) {
    const difference = Math.abs(value - (b[index] as number))
    if (!(difference <= largest)) largest = difference
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY
  }
  return largest
}

function describeTokens(expected: readonly number[], ids: readonly number[]): string {
  const count = Math.min(expected.length, ids.length)
  if (count === 0) return ''
  const shared = sharedPrefix(expected, ids)
  // Greedy tokens may part where two logits are closer than the difference, and where int8 activations meet f32 ones.
  return shared === count ? `; it wrote the same ${count} tokens` : `; it wrote the same ${shared} tokens, then others`
}

function sharedPrefix(a: readonly number[], b: readonly number[]): number {
  let length = 0
  while (length < a.length && length < b.length && a[length] === b[length]) length += 1
  return length
}
