import type { HostInputs, HostOutputs, HostTensor, Problem } from '@tessera-llm/tensor'
import { type AttentionInputs, type AttentionOptions, type AttentionOutputs, hiddenBias, type Layout } from './contract.ts'
import { type AttentionSizes, attentionSizes } from './sizes.ts'

/** Rows and keys that belong together: one element of the batch, or one packed sequence. */
interface Sequence {
  readonly batch: number
  readonly firstRow: number
  readonly rows: number
  readonly firstKey: number
  readonly keys: number
}

/** The definition in float64: all scores of a row at once, softmax against the row's largest. */
export function referenceAttention(inputs: HostInputs<AttentionInputs>, options: AttentionOptions, problem: Problem<AttentionInputs, AttentionOutputs, AttentionOptions>): HostOutputs<AttentionOutputs> {
  const { q, k, v, sinks, alibiSlopes, bias, mask } = inputs
  const sizes = attentionSizes(problem.inputs, options)
  const { batch, numHeads, numKvHeads, seqLenQ, seqLenKv, headDim, valueDim } = sizes
  const { layout = 'bhld', kvLayout = layout, isCausal = false, windowLeft, windowRight, softcap, scale = 1 / Math.sqrt(headDim) } = options
  const o = new Float64Array(batch * numHeads * seqLenQ * valueDim)
  const lse = new Float64Array(batch * numHeads * seqLenQ).fill(Number.NEGATIVE_INFINITY)
  const scores = new Float64Array(seqLenKv)

  for (const sequence of sequencesOf(inputs, sizes)) {
    const endKey = sequence.firstKey + sequence.keys
    for (let head = 0; head < numHeads; head++) {
      const kvHead = Math.floor(head / (numHeads / numKvHeads))
      for (let row = sequence.firstRow; row < sequence.firstRow + sequence.rows; row++) {
        const position = endKey - (sequence.firstRow + sequence.rows) + row
        const queryAt = offset(layout, sequence.batch, head, row, numHeads, seqLenQ, headDim)
        const sink = sinks ? (sinks.data[head] as number) : Number.NEGATIVE_INFINITY
        let max = sink
        for (let j = sequence.firstKey; j < endKey; j++) {
          scores[j] = Number.NEGATIVE_INFINITY
          if (isCausal && j > position) continue
          if (windowLeft !== undefined && j < position - windowLeft) continue
          if (windowRight !== undefined && j > position + windowRight) continue
          if (mask && broadcast(mask, sequence.batch, head, row, j) === 0) continue
          const added = bias ? broadcast(bias, sequence.batch, head, row, j) : 0
          if (added <= hiddenBias) continue
          const keyAt = offset(kvLayout, sequence.batch, kvHead, j, numKvHeads, seqLenKv, headDim)
          let score = 0
          for (let d = 0; d < headDim; d++) score += (q.data[queryAt + d] as number) * scale * (k.data[keyAt + d] as number)
          if (softcap !== undefined) score = softcap * Math.tanh(score / softcap)
          if (alibiSlopes) score -= (alibiSlopes.data[head] as number) * Math.abs(position - j)
          scores[j] = score + added
          max = Math.max(max, scores[j] as number)
        }
        if (max === Number.NEGATIVE_INFINITY) continue
        let sum = Math.exp(sink - max)
        const outAt = offset(layout, sequence.batch, head, row, numHeads, seqLenQ, valueDim)
        for (let j = sequence.firstKey; j < endKey; j++) {
          const weight = Math.exp((scores[j] as number) - max)
          // A weight of zero must not touch the value: padding may hold NaN.
          if (weight === 0) continue
          sum += weight
          const valueAt = offset(kvLayout, sequence.batch, kvHead, j, numKvHeads, seqLenKv, valueDim)
          for (let d = 0; d < valueDim; d++) o[outAt + d] = (o[outAt + d] as number) + weight * (v.data[valueAt + d] as number)
        }
        for (let d = 0; d < valueDim; d++) o[outAt + d] = (o[outAt + d] as number) / sum
        lse[(sequence.batch * numHeads + head) * seqLenQ + row] = max + Math.log(sum)
      }
    }
  }
  // A row that no sequence holds sees its head's sink alone.
  if (sinks) for (let at = 0; at < lse.length; at++) if (lse[at] === Number.NEGATIVE_INFINITY) lse[at] = sinks.data[Math.floor(at / seqLenQ) % numHeads] as number
  return { o, lse }
}

function sequencesOf({ kvLengths, cuSeqLens, cuSeqLensKv = cuSeqLens }: HostInputs<AttentionInputs>, { batch, numSequences, seqLenQ, seqLenKv }: AttentionSizes): readonly Sequence[] {
  if (!cuSeqLens || !cuSeqLensKv) {
    return Array.from({ length: batch }, (_, b) => ({ batch: b, firstRow: 0, rows: seqLenQ, firstKey: 0, keys: Math.max(0, Math.min(kvLengths ? (kvLengths.data[b] as number) : seqLenKv, seqLenKv)) }))
  }
  return Array.from({ length: numSequences }, (_, n) => {
    const [firstRow, endRow, firstKey, endKey] = [cuSeqLens.data[n], cuSeqLens.data[n + 1], cuSeqLensKv.data[n], cuSeqLensKv.data[n + 1]] as [number, number, number, number]
    return { batch: 0, firstRow, rows: endRow - firstRow, firstKey, keys: endKey - firstKey }
  })
}

function offset(layout: Layout, batch: number, head: number, row: number, heads: number, length: number, width: number): number {
  return (layout === 'bhld' ? (batch * heads + head) * length + row : (batch * length + row) * heads + head) * width
}

function broadcast({ data, shape }: HostTensor, batch: number, head: number, row: number, key: number): number {
  const [b = 1, h = 1, l = 1, keys = 1] = shape
  return data[(((b === 1 ? 0 : batch) * h + (h === 1 ? 0 : head)) * l + (l === 1 ? 0 : row)) * keys + key] as number
}
