import { type DType, dtypes } from '../dtype/index.ts'
import type { Tolerance } from './op.ts'

/** Numerical properties of an op, from which its tolerance follows. */
export interface ToleranceTerms {
  /** Storage dtype of the least precise operand. */
  readonly dtype: DType
  /** Length of the longest sum in the op; 1 when there is none. */
  readonly reduce?: number
  /** Roundings in sequence between input and output. */
  readonly stages?: number
  /** Magnitude that `atol` is relative to: the largest term of a sum. Default 1. */
  readonly scale?: number
}

/** NMSE budget per storage dtype. */
const nmseOf: Partial<Record<DType, number>> = { f64: 1e-14, f32: 1e-7, f16: 4e-6, bf16: 2.5e-4 }

/**
 * Tolerance policy of all ops. A sum of `reduce` terms in arithmetic of precision `epsilon` errs by about
 * `epsilon · √reduce` of the terms' magnitude if rounding errors are independent; each stage may err by 4 times that.
 */
export function toleranceOf({ dtype, reduce = 1, stages = 1, scale = 1 }: ToleranceTerms): Tolerance {
  const epsilon = dtypes[dtype].epsilon
  const growth = epsilon * Math.sqrt(reduce) * stages
  return { atol: 4 * growth * scale, rtol: 4 * growth, nmse: nmseOf[dtype] ?? epsilon ** 2 }
}
