import type { HostInputs, HostTensor } from '@tessera-llm/tensor'
import type { AttentionInputs, AttentionOptions, Layout } from './contract.ts'
import { hiddenBias } from './hidden-bias.ts'
import type { AttentionSizes } from './sizes.ts'

/** A query row of one head, and the keys `firstKey` … `endKey` − 1 of its sequence. */
export interface QueryRow {
  readonly batch: number
  readonly head: number
  readonly kvHead: number
  readonly row: number
  readonly firstKey: number
  readonly endKey: number
  /** Scores by key; −∞ for keys that the row does not see. */
  readonly scores: Float64Array
  /** Derivative of each score by the scaled product q · k: below 1 under a softcap. */
  readonly slopes: Float64Array
}

/** Rows and keys of one batch element or one packed sequence. */
interface Sequence {
  readonly batch: number
  readonly firstRow: number
  readonly rows: number
  readonly firstKey: number
  readonly keys: number
}

/** Sizes for `visitRows`; with `keptKeys`, only the last so many keys of each sequence exist. */
type RowSizes = AttentionSizes & { readonly keptKeys?: number | undefined }

/**
 * Visits the rows of all heads, sequence by sequence, with their final scores in float64; `scores` and `slopes` are
 * reused for every row.
 */
export function visitRows(
  inputs: HostInputs<Pick<AttentionInputs, Exclude<keyof AttentionInputs, 'v' | 'sinks'>>>,
  options: AttentionOptions,
  sizes: RowSizes,
  visit: (row: QueryRow) => void,
): void {
  const { q, k, alibiSlopes, bias, mask } = inputs
  const { numHeads, numKvHeads, seqLenQ, seqLenKv, headDim } = sizes
  const {
    layout = 'bhld',
    kvLayout = layout,
    isCausal = false,
    windowLeft,
    windowRight,
    softcap,
    scale = 1 / Math.sqrt(headDim),
  } = options
  const scores = new Float64Array(seqLenKv)
  const slopes = new Float64Array(seqLenKv)
  for (const { batch, firstRow, rows, firstKey, keys } of sequencesOf(inputs, sizes)) {
    const endKey = firstKey + keys
    for (let head = 0; head < numHeads; head++) {
      const kvHead = Math.floor(head / (numHeads / numKvHeads))
      for (let row = firstRow; row < firstRow + rows; row++) {
        const position = endKey - (firstRow + rows) + row
        const queryAt = elementOffset(layout, batch, head, row, numHeads, seqLenQ, headDim)
        for (let j = firstKey; j < endKey; j++) {
          scores[j] = Number.NEGATIVE_INFINITY
          slopes[j] = 0
          if (isCausal && j > position) continue
          if (windowLeft !== undefined && j < position - windowLeft) continue
          if (windowRight !== undefined && j > position + windowRight) continue
          if (mask && broadcast(mask, batch, head, row, j) === 0) continue
          const added = bias ? broadcast(bias, batch, head, row, j) : 0
          if (added <= hiddenBias) continue
          const keyAt = elementOffset(kvLayout, batch, kvHead, j, numKvHeads, seqLenKv, headDim)
          let score = 0
          for (let d = 0; d < headDim; d++)
            score += (q.data[queryAt + d] as number) * scale * (k.data[keyAt + d] as number)
          slopes[j] = softcap === undefined ? 1 : 1 - Math.tanh(score / softcap) ** 2
          if (softcap !== undefined) score = softcap * Math.tanh(score / softcap)
          if (alibiSlopes) score -= (alibiSlopes.data[head] as number) * Math.abs(position - j)
          scores[j] = score + added
        }
        visit({ batch, head, kvHead, row, firstKey, endKey, scores, slopes })
      }
    }
  }
}

/** Index of the first element of a row in a tensor [B, H, L, D] or [B, L, H, D]. */
export function elementOffset(
  layout: Layout,
  batch: number,
  head: number,
  row: number,
  heads: number,
  length: number,
  width: number,
): number {
  return (layout === 'bhld' ? (batch * heads + head) * length + row : (batch * length + row) * heads + head) * width
}

function sequencesOf(
  {
    kvLengths,
    cuSeqLens,
    cuSeqLensKv = cuSeqLens,
  }: HostInputs<Pick<AttentionInputs, 'kvLengths' | 'cuSeqLens' | 'cuSeqLensKv'>>,
  { batch, numSequences, seqLenQ, seqLenKv, keptKeys = seqLenKv }: RowSizes,
): readonly Sequence[] {
  if (!cuSeqLens || !cuSeqLensKv) {
    return Array.from({ length: batch }, (_, b) => {
      const length = Math.max(0, Math.min(kvLengths ? (kvLengths.data[b] as number) : seqLenKv, seqLenKv))
      const firstKey = Math.max(0, length - keptKeys)
      return { batch: b, firstRow: 0, rows: seqLenQ, firstKey, keys: length - firstKey }
    })
  }
  return Array.from({ length: numSequences }, (_, n) => {
    const [firstRow, endRow, firstKey, endKey] = [
      cuSeqLens.data[n],
      cuSeqLens.data[n + 1],
      cuSeqLensKv.data[n],
      cuSeqLensKv.data[n + 1],
    ] as [number, number, number, number]
    return { batch: 0, firstRow, rows: endRow - firstRow, firstKey, keys: endKey - firstKey }
  })
}

function broadcast({ data, shape }: HostTensor, batch: number, head: number, row: number, key: number): number {
  const [b = 1, h = 1, l = 1, keys = 1] = shape
  return data[(((b === 1 ? 0 : batch) * h + (h === 1 ? 0 : head)) * l + (l === 1 ? 0 : row)) * keys + key] as number
}
