import type { Tolerance } from '@tessera-llm/tensor'

/** An element next to its expected value; `bound` is the allowed difference. */
export interface ElementError {
  readonly index: number
  readonly got: number
  readonly expected: number
  readonly bound: number
}

/** Result of comparing an array with its expected values. */
export interface Comparison {
  readonly pass: boolean
  /** The element that uses most of its bound; undefined without elements. */
  readonly worst: ElementError | undefined
  /** Fraction of its bound that the worst element uses: above 1 it fails. */
  readonly worstShare: number
  /**
   * Σ(got − expected)² / Σexpected² over finite elements; 0 if every expected value is 0, when only the elementwise
   * bound counts.
   */
  readonly nmse: number
  readonly failed: number
  readonly message: string
}

/**
 * Checks `|got − expected| ≤ atol + rtol · |expected|` for each element, and the normalized mean squared error of all.
 * Infinities must be equal; a NaN fails on either side, because a reference that yields one proves nothing.
 */
export function compare(
  got: ArrayLike<number>,
  expected: ArrayLike<number>,
  { atol, rtol, nmse: nmseBound }: Tolerance,
): Comparison {
  if (got.length !== expected.length) {
    return {
      pass: false,
      worst: undefined,
      worstShare: Number.POSITIVE_INFINITY,
      nmse: Number.POSITIVE_INFINITY,
      failed: expected.length,
      message: `got ${got.length} elements, expected ${expected.length}`,
    }
  }
  let worst: ElementError | undefined
  let worstShare = -1
  let failed = 0
  let errorEnergy = 0
  let energy = 0
  for (let index = 0; index < got.length; index++) {
    const g = got[index] as number
    const e = expected[index] as number
    const bound = atol + rtol * Math.abs(e)
    const share = shareOf(g, e, bound)
    if (share > 1) failed += 1
    if (share > worstShare) {
      worstShare = share
      worst = { index, got: g, expected: e, bound }
    }
    if (Number.isFinite(g) && Number.isFinite(e)) {
      errorEnergy += (g - e) ** 2
      energy += e ** 2
    }
  }
  const nmse = energy === 0 ? 0 : errorEnergy / energy
  // `!(a <= b)` rather than `a > b`: a NaN bound fails.
  const isNmseTooLarge = !(nmse <= nmseBound)
  const pass = failed === 0 && !isNmseTooLarge
  return { pass, worst, worstShare, nmse, failed, message: describe() }

  function describe(): string {
    if (worst === undefined) return 'no elements'
    const element = `worst element [${worst.index}]: got ${worst.got}, expected ${worst.expected}, difference ${Math.abs(worst.got - worst.expected).toExponential(3)}, bound ${worst.bound.toExponential(3)}`
    return `${failed} of ${got.length} elements out of bounds; ${element}; NMSE ${nmse.toExponential(3)}, ${isNmseTooLarge ? 'above' : 'within'} ${nmseBound.toExponential(3)}`
  }
}

function shareOf(got: number, expected: number, bound: number): number {
  if (got === expected) return 0
  const share = Math.abs(got - expected) / bound
  return Number.isFinite(got) && Number.isFinite(expected) && !Number.isNaN(share) ? share : Number.POSITIVE_INFINITY
}
