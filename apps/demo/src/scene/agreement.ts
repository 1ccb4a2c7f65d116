import type { Screen } from '../terminal/index.ts'
import type { DeviceFigures } from './device.ts'

/** Largest logit difference from the first device that f32 arithmetic in another order explains. */
export const logitBound = 2e-3

/** Prints whether the devices compute the same, and returns it. */
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
  // Greedy tokens may differ if two logits are closer than the difference, and between int8 and f32 activations.
  return shared === count ? `; it wrote the same ${count} tokens` : `; it wrote the same ${shared} tokens, then others`
}

function sharedPrefix(a: readonly number[], b: readonly number[]): number {
  let length = 0
  while (length < a.length && length < b.length && a[length] === b[length]) length += 1
  return length
}
