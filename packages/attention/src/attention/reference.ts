import type { HostInputs, HostOutputs, Problem } from '@tessera-llm/tensor'
import { type AttentionInputs, type AttentionOptions, type AttentionOutputs, attentionSizes, type Layout } from './contract.ts'

/** The definition in float64: all scores of a row at once, softmax against the row's largest. */
export function referenceAttention(inputs: HostInputs<AttentionInputs>, options: AttentionOptions, problem: Problem<AttentionInputs, AttentionOutputs, AttentionOptions>): HostOutputs<AttentionOutputs> {
  const { q, k, v, kvLengths, sinks, alibiSlopes, mask } = inputs
  const { batch, numHeads, numKvHeads, seqLenQ, seqLenKv, headDim, valueDim } = attentionSizes(problem.inputs, options)
  const { layout = 'bhld', kvLayout = layout, isCausal = false, windowLeft, windowRight, softcap, scale = 1 / Math.sqrt(headDim) } = options
  const o = new Float64Array(batch * numHeads * seqLenQ * valueDim)
  const lse = new Float64Array(batch * numHeads * seqLenQ)
  const scores = new Float64Array(seqLenKv)
  for (let b = 0; b < batch; b++) {
    const keys = Math.min(kvLengths ? (kvLengths.data[b] as number) : seqLenKv, seqLenKv)
    for (let head = 0; head < numHeads; head++) {
      const kvHead = Math.floor(head / (numHeads / numKvHeads))
      const sink = sinks ? (sinks.data[head] as number) : Number.NEGATIVE_INFINITY
      for (let row = 0; row < seqLenQ; row++) {
        const position = keys - seqLenQ + row
        const queryAt = offset(layout, b, head, row, numHeads, seqLenQ, headDim)
        let max = sink
        for (let j = 0; j < keys; j++) {
          const visible = (!isCausal || j <= position) && (windowLeft === undefined || j >= position - windowLeft) && (windowRight === undefined || j <= position + windowRight)
          if (!visible || (mask && maskAt(mask, b, head, row, j) === 0)) {
            scores[j] = Number.NEGATIVE_INFINITY
            continue
          }
          const keyAt = offset(kvLayout, b, kvHead, j, numKvHeads, seqLenKv, headDim)
          let score = 0
          for (let d = 0; d < headDim; d++) score += (q.data[queryAt + d] as number) * scale * (k.data[keyAt + d] as number)
          if (softcap !== undefined) score = softcap * Math.tanh(score / softcap)
          if (alibiSlopes) score -= (alibiSlopes.data[head] as number) * Math.abs(position - j)
          scores[j] = score
          max = Math.max(max, score)
        }
        const outRow = (b * numHeads + head) * seqLenQ + row
        if (max === Number.NEGATIVE_INFINITY) {
          lse[outRow] = Number.NEGATIVE_INFINITY
          continue
        }
        let sum = Math.exp(sink - max)
        const outAt = offset(layout, b, head, row, numHeads, seqLenQ, valueDim)
        for (let j = 0; j < keys; j++) {
          const weight = Math.exp((scores[j] as number) - max)
          // A weight of zero must not touch the value: padding may hold NaN.
          if (weight === 0) continue
          sum += weight
          const valueAt = offset(kvLayout, b, kvHead, j, numKvHeads, seqLenKv, valueDim)
          for (let d = 0; d < valueDim; d++) o[outAt + d] = (o[outAt + d] as number) + weight * (v.data[valueAt + d] as number)
        }
        for (let d = 0; d < valueDim; d++) o[outAt + d] = (o[outAt + d] as number) / sum
        lse[outRow] = max + Math.log(sum)
      }
    }
  }
  return { o, lse }
}

function offset(layout: Layout, batch: number, head: number, row: number, heads: number, length: number, width: number): number {
  return (layout === 'bhld' ? (batch * heads + head) * length + row : (batch * length + row) * heads + head) * width
}

function maskAt({ data, shape }: { readonly data: Float64Array; readonly shape: readonly number[] }, batch: number, head: number, row: number, key: number): number {
  const [b = 1, h = 1, l = 1, keys = 1] = shape
  return data[(((b === 1 ? 0 : batch) * h + (h === 1 ? 0 : head)) * l + (l === 1 ? 0 : row)) * keys + key] as number
}
