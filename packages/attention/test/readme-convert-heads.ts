import { convertHeads, createMomentSum, type HeadWeights } from '@tessera-llm/attention'

const projection = (rows: number, columns: number) => ({
  weight: Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i * i)),
})
const mha: HeadWeights = {
  numHeads: 8,
  numKvHeads: 8,
  headDim: 16,
  query: projection(128, 64),
  key: projection(128, 64),
  value: projection(128, 64),
  output: projection(64, 128),
}

const { weights: gqa } = convertHeads(mha, { numKvHeads: 2, method: 'mean' })
console.log(gqa.numKvHeads, gqa.key.weight.length)

// Keys and values on calibration text, row by row; any rows do for an example.
const [key, value] = [createMomentSum(128), createMomentSum(128)]
for (const sum of [key, value]) sum.add(Float32Array.from({ length: 50 * 128 }, (_, i) => Math.cos(i * i)))
const keyRotation = { kind: 'rope', style: 'neox', rotaryDim: 16 } as const
const { groups, queryOrder } = convertHeads(mha, {
  numKvHeads: 2,
  method: 'activation',
  moments: { key: key.moments, value: value.moments },
  keyRotation,
})
console.log(groups, queryOrder)
