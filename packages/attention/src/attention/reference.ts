import type { HostInputs, HostOutputs, Problem } from '@tessera-llm/tensor'
import type { AttentionInputs, AttentionOptions, AttentionOutputs } from './contract.ts'
import { gatherPages } from './pages.ts'
import { elementOffset, visitRows } from './rows.ts'
import { attentionSizes } from './sizes.ts'

/** Float64 definition: all scores of a row at once, softmax relative to the row's largest. */
export function referenceAttention(
  inputs: HostInputs<AttentionInputs>,
  options: AttentionOptions,
  problem: Problem<AttentionInputs, AttentionOutputs, AttentionOptions>,
): HostOutputs<AttentionOutputs> {
  const { sinks } = inputs
  const { sizes, ...cached } = gatherPages(inputs, attentionSizes(problem.inputs, options))
  const { v } = cached
  const { batch, numHeads, numKvHeads, seqLenQ, seqLenKv, valueDim } = sizes
  const { layout = 'bhld', kvLayout = layout } = options
  const o = new Float64Array(batch * numHeads * seqLenQ * valueDim)
  const lse = new Float64Array(batch * numHeads * seqLenQ).fill(Number.NEGATIVE_INFINITY)

  visitRows({ ...inputs, k: cached.k }, options, sizes, (at) => {
    const sink = sinks ? (sinks.data[at.head] as number) : Number.NEGATIVE_INFINITY
    let max = sink
    for (let j = at.firstKey; j < at.endKey; j++) max = Math.max(max, at.scores[j] as number)
    if (max === Number.NEGATIVE_INFINITY) return
    let sum = Math.exp(sink - max)
    const outAt = elementOffset(layout, at.batch, at.head, at.row, numHeads, seqLenQ, valueDim)
    for (let j = at.firstKey; j < at.endKey; j++) {
      const weight = Math.exp((at.scores[j] as number) - max)
      // A weight of zero must skip the value: padding may hold NaN.
      if (weight === 0) continue
      sum += weight
      const valueAt = elementOffset(kvLayout, at.batch, at.kvHead, j, numKvHeads, seqLenKv, valueDim)
      for (let d = 0; d < valueDim; d++)
        o[outAt + d] = (o[outAt + d] as number) + weight * (v.data[valueAt + d] as number)
    }
    for (let d = 0; d < valueDim; d++) o[outAt + d] = (o[outAt + d] as number) / sum
    lse[(at.batch * numHeads + at.head) * seqLenQ + at.row] = max + Math.log(sum)
  })
  // A row outside every sequence sees only its head's sink.
  if (sinks)
    for (let at = 0; at < lse.length; at++)
      if (lse[at] === Number.NEGATIVE_INFINITY) lse[at] = sinks.data[Math.floor(at / seqLenQ) % numHeads] as number
  return { o, lse }
}
