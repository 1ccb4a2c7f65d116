import { rowsOf } from './attention-workloads.ts'
import { hash } from './matmul-data.ts'
import type { AttentionWorkload } from './workload.ts'

/** First index of each tensor's elements in the stream of `hash`. */
const seeds = { q: 0, k: 1 << 28, v: 2 << 28, do: 3 << 28 } as const
export type AttentionTensor = keyof typeof seeds

/** Heads and rows of a tensor. */
export function axesOf(workload: AttentionWorkload, tensor: AttentionTensor): readonly [number, number] {
  return tensor === 'q' || tensor === 'do' ? [workload.heads, rowsOf(workload)] : [workload.kvHeads, workload.length]
}

/** Between −1 and 1, a multiple of 2⁻⁷. */
function element(
  workload: AttentionWorkload,
  tensor: AttentionTensor,
  head: number,
  row: number,
  channel: number,
): number {
  const [, rows] = axesOf(workload, tensor)
  return (hash(seeds[tensor] + (head * rows + row) * workload.headDim + channel) >>> 24) / 128 - 1
}

/** [heads, rows, channels], or [rows, heads, channels]. */
export function attentionData(
  workload: AttentionWorkload,
  tensor: AttentionTensor,
  order: 'heads first' | 'rows first' = 'heads first',
): Float32Array<ArrayBuffer> {
  const [heads, rows] = axesOf(workload, tensor)
  const { headDim } = workload
  const data = new Float32Array(heads * rows * headDim)
  for (let head = 0; head < heads; head++) {
    for (let row = 0; row < rows; row++) {
      const at = (order === 'heads first' ? head * rows + row : row * heads + head) * headDim
      for (let channel = 0; channel < headDim; channel++)
        data[at + channel] = element(workload, tensor, head, row, channel)
    }
  }
  return data
}

/** Elements that a participant returns as its answer, of o or, for gradients, of dq: `[head, row, channel]`. */
export function attentionProbes(workload: AttentionWorkload): readonly (readonly [number, number, number])[] {
  const { heads, headDim } = workload
  const rows = rowsOf(workload)
  return [
    [0, 0, 0],
    [0, rows >> 1, 5],
    [heads - 1, rows >> 1, headDim - 1],
    [heads - 1, rows - 1, 1],
  ]
}

/** The answer's elements of a result [heads, rows, channels]. */
export function probesOf(
  workload: AttentionWorkload,
  result: ArrayLike<number>,
  order: 'heads first' | 'rows first' = 'heads first',
): readonly number[] {
  const { heads, headDim } = workload
  const rows = rowsOf(workload)
  return attentionProbes(workload).map(
    ([head, row, channel]) =>
      result[(order === 'heads first' ? head * rows + row : row * heads + head) * headDim + channel] as number,
  )
}

/** Describes the error of an answer, or returns undefined. Compares with attention's f64 definition. */
export function problemOfAttention(
  workload: AttentionWorkload,
  answer: readonly number[] | undefined,
): string | undefined {
  const probes = attentionProbes(workload)
  if (answer?.length !== probes.length)
    return `gave ${answer?.length ?? 'no'} elements of its result, not ${probes.length}`
  for (const [index, [head, row, channel]] of probes.entries()) {
    const exact = exactElement(workload, head, row, channel)
    const given = answer[index] as number
    if (!(Math.abs(given - exact) <= 1e-5))
      return `computed ${given} where the result is ${exact} (head ${head}, row ${row}, channel ${channel}; allowed ± 1e-5)`
  }
  return undefined
}

function exactElement(workload: AttentionWorkload, head: number, row: number, channel: number): number {
  const { kind, heads, kvHeads, headDim, length } = workload
  const kvHead = Math.floor(head / (heads / kvHeads))
  const scale = 1 / Math.sqrt(headDim)
  const seen = length - rowsOf(workload) + row + 1
  const dot = (a: AttentionTensor, b: AttentionTensor, key: number): number => {
    let sum = 0
    for (let d = 0; d < headDim; d++) sum += element(workload, a, head, row, d) * element(workload, b, kvHead, key, d)
    return sum
  }
  const weights = Float64Array.from({ length: seen }, (_, key) => Math.exp(scale * dot('q', 'k', key)))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const mean = (value: (key: number) => number): number =>
    weights.reduce((sum, weight, key) => sum + weight * value(key), 0) / total
  if (kind !== 'attention-gradient') return mean((key) => element(workload, 'v', kvHead, key, channel))
  const slopes = Float64Array.from({ length: seen }, (_, key) => dot('do', 'v', key))
  const reduced = mean((key) => slopes[key] as number)
  return scale * mean((key) => ((slopes[key] as number) - reduced) * element(workload, 'k', kvHead, key, channel))
}
