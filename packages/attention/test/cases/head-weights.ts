import { normal } from '@tessera-llm/testing'
import type { HeadWeights, ProjectionWeights } from '../../src/index.ts'

export const headDim = 8
export const valueDim = 6
export const inputs = 10

/** Random weights of a layer whose heads have the sizes above. */
export function drawHeads(numHeads: number, numKvHeads: number, seed: number): HeadWeights {
  const projection = (rows: number, columns: number, own: number): ProjectionWeights => ({
    weight: normal([rows, columns], { seed: seed + own, scale: 0.5 }).data as Float32Array,
    bias: normal([rows], { seed: seed + own + 10, scale: 0.5 }).data as Float32Array,
  })
  return {
    numHeads,
    numKvHeads,
    headDim,
    valueDim,
    query: projection(numHeads * headDim, inputs, 1),
    key: projection(numKvHeads * headDim, inputs, 2),
    value: projection(numKvHeads * valueDim, inputs, 3),
    output: projection(5, numHeads * valueDim, 4),
  }
}
