import type { HostInputs, HostOutputs, Problem } from '@tessera-llm/tensor'
import type { AttentionOptions } from '../attention/contract.ts'
import { elementOffset, visitRows } from '../attention/rows.ts'
import { attentionBackwardSizes, type AttentionBackwardInputs, type AttentionBackwardOutputs } from './contract.ts'

/**
 * Float64 definition, row by row: P from the scores and the LSE, then dV = Pᵀ dO, dS = P ∘ (dO Vᵀ − D), dQ = dS K, dK =
 * dSᵀ Q.
 */
export function referenceAttentionBackward(
  inputs: HostInputs<AttentionBackwardInputs>,
  options: AttentionOptions,
  problem: Problem<AttentionBackwardInputs, AttentionBackwardOutputs, AttentionOptions>,
): HostOutputs<AttentionBackwardOutputs> {
  const { q, k, v, o, lse, do: gradient, dlse, sinks } = inputs
  const sizes = attentionBackwardSizes(problem.inputs, options)
  const { batch, numHeads, numKvHeads, seqLenQ, seqLenKv, headDim, valueDim } = sizes
  const { layout = 'bhld', kvLayout = layout, scale = 1 / Math.sqrt(headDim) } = options
  const dq = new Float64Array(batch * numHeads * seqLenQ * headDim)
  const dk = new Float64Array(batch * numKvHeads * seqLenKv * headDim)
  const dv = new Float64Array(batch * numKvHeads * seqLenKv * valueDim)
  const add = (
    to: Float64Array,
    at: number,
    weight: number,
    from: Float64Array,
    fromAt: number,
    width: number,
  ): void => {
    for (let d = 0; d < width; d++) to[at + d] = (to[at + d] as number) + weight * (from[fromAt + d] as number)
  }
  const dot = (a: Float64Array, aAt: number, b: Float64Array, bAt: number, width: number): number => {
    let sum = 0
    for (let d = 0; d < width; d++) sum += (a[aAt + d] as number) * (b[bAt + d] as number)
    return sum
  }
  /** D = dO · o − dlse, subtracted from the gradient of every weight of a row. */
  const shared = (b: number, head: number, row: number): number => {
    const at = elementOffset(layout, b, head, row, numHeads, seqLenQ, valueDim)
    return (
      dot(gradient.data, at, o.data, at, valueDim) -
      (dlse ? (dlse.data[(b * numHeads + head) * seqLenQ + row] as number) : 0)
    )
  }

  visitRows(inputs, options, sizes, ({ batch: b, head, kvHead, row, firstKey, endKey, scores, slopes }) => {
    const total = lse.data[(b * numHeads + head) * seqLenQ + row] as number
    // The row sees no key.
    if (total === Number.NEGATIVE_INFINITY) return
    const reduced = shared(b, head, row)
    const queryAt = elementOffset(layout, b, head, row, numHeads, seqLenQ, headDim)
    const gradientAt = elementOffset(layout, b, head, row, numHeads, seqLenQ, valueDim)
    for (let j = firstKey; j < endKey; j++) {
      const p = Math.exp((scores[j] as number) - total)
      // A weight of zero must skip its key and value: padding may hold NaN.
      if (p === 0) continue
      const keyAt = elementOffset(kvLayout, b, kvHead, j, numKvHeads, seqLenKv, headDim)
      const valueAt = elementOffset(kvLayout, b, kvHead, j, numKvHeads, seqLenKv, valueDim)
      const ds =
        scale * p * (dot(gradient.data, gradientAt, v.data, valueAt, valueDim) - reduced) * (slopes[j] as number)
      add(dv, valueAt, p, gradient.data, gradientAt, valueDim)
      add(dq, queryAt, ds, k.data, keyAt, headDim)
      add(dk, keyAt, ds, q.data, queryAt, headDim)
    }
  })
  if (!sinks) return { dq, dk, dv }

  const dsinks = new Float64Array(numHeads)
  for (let b = 0; b < batch; b++) {
    for (let head = 0; head < numHeads; head++) {
      for (let row = 0; row < seqLenQ; row++) {
        const p = Math.exp((sinks.data[head] as number) - (lse.data[(b * numHeads + head) * seqLenQ + row] as number))
        // `p > 0` also skips NaN: sink and LSE may both be −∞.
        if (p > 0) dsinks[head] = (dsinks[head] as number) - p * shared(b, head, row)
      }
    }
  }
  return { dq, dk, dv, dsinks }
}
