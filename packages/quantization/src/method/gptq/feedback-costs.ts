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
 * What a squared error of each column costs the outputs when GPTQ lets the columns after it make up for what they can, f32 [K]: R[i, i]²
 * with R · Rᵀ the damped second moment, averaged over tokens. Beside `importanceOf`, which is that cost for rounding to nearest, it says how
 * much less GPTQ will lose, before anything is rounded. Never more than that: where a few inputs are so large that the damping exceeds the
 * others, nothing is made up for, and R[i, i]² is the damping. The same as that where there is no second moment, or none that can be factored.
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
