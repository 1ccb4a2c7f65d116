import { attention } from '@tessera-llm/attention'
import { createRandom, createReferenceDevice } from '@tessera-llm/tensor'
import { describe, expect, test } from 'vitest'
import { type TraceProblem, traceFlash } from './flash-trace.ts'

const tokens = 13
const random = createRandom(5)
const values = (heads: number): Float32Array => Float32Array.from({ length: tokens * heads * 8 }, () => random.normal())
const base: TraceProblem = {
  q: values(4),
  k: values(2),
  v: values(2),
  tokens,
  numHeads: 4,
  numKvHeads: 2,
  headDim: 8,
  head: 3,
  isCausal: true,
  window: undefined,
  rowTile: 4,
  keyTile: 5,
  isPacked: true,
}

describe.each<[string, Partial<TraceProblem>]>([
  ['causal', {}],
  ['all see all', { isCausal: false }],
  ['a window', { window: 4 }],
  ['a window on both sides', { window: 3, isCausal: false }],
  ['one tile', { rowTile: 16, keyTile: 16 }],
  ['tiles of one', { rowTile: 1, keyTile: 1 }],
])('%s', (_, changes) => {
  const problem = { ...base, ...changes }
  const { steps, output, logSumExp } = traceFlash(problem)

  test('gives what the attention op gives', async () => {
    const device = createReferenceDevice()
    const upload = (data: Float32Array, heads: number) => device.tensor(data, [1, tokens, heads, 8])
    const reach =
      problem.window === undefined
        ? {}
        : { windowLeft: problem.window - 1, ...(problem.isCausal ? {} : { windowRight: problem.window - 1 }) }
    const { o, lse } = attention(upload(problem.q, 4), upload(problem.k, 2), upload(problem.v, 2), {
      isCausal: problem.isCausal,
      layout: 'blhd',
      ...reach,
    })
    const [expected, expectedLse] = [await device.read(o), await device.read(lse)]
    for (let row = 0; row < tokens; row++) {
      expect(logSumExp[row]).toBeCloseTo(expectedLse[3 * tokens + row] as number, 5)
      for (let d = 0; d < 8; d++) expect(output[row * 8 + d]).toBeCloseTo(expected[(row * 4 + 3) * 8 + d] as number, 5)
    }
  })

  test('counts every tile once, and skips those that nobody sees', () => {
    expect(steps).toHaveLength(Math.ceil(tokens / problem.rowTile) * Math.ceil(tokens / problem.keyTile))
    for (const { firstRow, endRow, firstKey, endKey, isSkipped } of steps) {
      const isHidden =
        (problem.isCausal && firstKey >= endRow) ||
        (problem.window !== undefined &&
          (endKey <= firstRow - problem.window + 1 || firstKey >= endRow - 1 + problem.window))
      expect(isSkipped).toBe(isHidden)
    }
  })
})

test('bytes: queries and outputs once, keys and values by computed tile and shared by the group, scores only in plain', () => {
  const problem = { ...base, rowTile: 13, keyTile: 13 }
  const last = traceFlash(problem).steps.at(-1)
  expect(last?.flashBytes).toBe(4 * (2 * 13 * 8 + (2 * 13 * 8) / 2))
  expect(last?.plainBytes).toBe(4 * (2 * 13 * 8 + 2 * 13 * 8 + 4 * 13 * 13))
  expect(traceFlash({ ...problem, isPacked: false }).steps.at(-1)?.flashBytes).toBe(4 * 4 * 13 * 8)
})
