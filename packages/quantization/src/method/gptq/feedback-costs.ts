import { createPlainMultiply, type Multiply } from '../../linear-algebra/index.ts'
import type { LinearStatistics } from '../../quantized-matrix/index.ts'
import { importanceOf } from '../matrix/index.ts'
import { factorDamped } from './factor.ts'
import { orderColumns } from './order.ts'
import { defaultDamping } from './prepare.ts'

/**
 * What a squared error of each column costs the outputs when GPTQ lets the columns after it make up for what they can, f32 [K]: R[i, i]²
 * with R · Rᵀ the damped second moment, averaged over tokens. Beside `importanceOf`, which is that cost for rounding to nearest, it says how
 * much less GPTQ will lose, before anything is rounded. The same as that where there is no second moment, or none that can be factored.
 */
export function feedbackCosts(
  statistics: LinearStatistics,
  { multiply = createPlainMultiply() }: { readonly multiply?: Multiply | undefined } = {},
): Float32Array {
  const { columns, count, secondMoment } = statistics
  const plain = importanceOf(statistics)
  if (!secondMoment) return plain
  const order = orderColumns(secondMoment, columns, 'columns', 1)
  const factored = factorDamped(secondMoment, order, defaultDamping(statistics), multiply)
  return factored ? Float32Array.from(costsOf(factored.factor, order), (cost) => cost / Math.max(count, 1)) : plain
}

/** By stored column, what a squared error costs after later columns made up for it: R[i, i]². */
export function costsOf(factor: Float64Array, order: Int32Array): Float64Array {
  const costs = new Float64Array(order.length)
  for (let position = 0; position < order.length; position++)
    costs[order[position] as number] = (factor[position * (order.length + 1)] as number) ** 2
  return costs
}
