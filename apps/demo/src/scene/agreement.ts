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
    const shared = sharedPrefix(first.ids, other.ids)
    const isSame = shared === Math.min(first.ids.length, other.ids.length)
    agree &&= isClose && isSame
    const tokens = isSame ? `the same ${shared} tokens` : `other tokens from token ${shared + 1} on`
    screen.line(`${other.device}: ${tokens}; logits after the prompt differ by at most ${difference.toExponential(1)} (bound ${logitBound}): ${isClose && isSame ? 'yes' : screen.bold('NO')}`)
  }
  screen.line(screen.dim(`compared with ${first.device}, greedy tokens, f32 activations for the logits`))
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

function sharedPrefix(a: readonly number[], b: readonly number[]): number {
  let length = 0
  while (length < a.length && length < b.length && a[length] === b[length]) length += 1
  return length
}
