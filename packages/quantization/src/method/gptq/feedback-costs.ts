import { createPlainMultiply, type Multiply } from '../../linear-algebra/index.ts'
import type { LinearStatistics } from '../../quantized-matrix/index.ts'
import { importanceOf } from '../matrix/index.ts'
import { factorDamped } from './factor.ts'
import { orderColumns } from './order.ts'
import { defaultDamping } from './prepare.ts'

export interface FeedbackCostsOptions {
  /** Tokens that GPTQ will see, which its damping depends on. Default: those of the statistics. */
  readonly tokens?: number | undefined
  /** Default `createPlainMultiply()`. */
  readonly multiply?: Multiply | undefined
}

/**
 * Cost of a squared error in each column for the outputs, f32[K], if GPTQ compensates it in the columns after it: R[i,
 * i]² with R · Rᵀ the damped second moment, averaged over tokens. `importanceOf` is the cost without compensation, that
 * of rounding to nearest; the ratio predicts how much less GPTQ will lose. The result never exceeds `importanceOf`: if
 * a few inputs are so large that the damping exceeds the others, nothing is compensated and R[i, i]² is the damping.
 * Returns `importanceOf` without a second moment, or for one that cannot be factored.
 */
export function feedbackCosts(
  statistics: LinearStatistics,
  { tokens = statistics.count, multiply = createPlainMultiply() }: FeedbackCostsOptions = {},
): Float32Array {
  const { columns, count, secondMoment } = statistics
  const plain = importanceOf(statistics)
  if (!secondMoment) return plain
  const order = orderColumns(secondMoment, columns, 'columns', 1)
  const factored = factorDamped(secondMoment, order, defaultDamping({ columns, count: tokens }), multiply)
  if (!factored) return plain
  const costs = costsOf(factored.factor, order)
  return plain.map((most, column) => Math.min(most, (costs[column] as number) / Math.max(count, 1)))
}

/** By stored column, what a squared error costs after later columns made up for it: R[i, i]². */
export function costsOf(factor: Float64Array, order: Int32Array): Float64Array {
  const costs = new Float64Array(order.length)
  for (let position = 0; position < order.length; position++)
    costs[order[position] as number] = (factor[position * (order.length + 1)] as number) ** 2
  return costs
}
