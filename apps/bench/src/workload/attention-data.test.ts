import { expect, test } from 'vitest'
import { attentionData, attentionProbes, problemOfAttention, probesOf } from './attention-data.ts'
import { cacheBytesOf, operationsOf } from './attention-workloads.ts'
import type { AttentionWorkload } from './workload.ts'

const workload: AttentionWorkload = {
  kind: 'attention',
  id: 'a',
  title: 'a',
  threads: 1,
  metrics: [],
  heads: 2,
  kvHeads: 1,
  headDim: 8,
  length: 5,
}

test('both orders hold the same elements', () => {
  const [heads, rows] = [attentionData(workload, 'q'), attentionData(workload, 'q', 'rows first')]
  expect(probesOf(workload, rows, 'rows first')).toEqual(probesOf(workload, heads))
  expect(attentionProbes(workload)[2]).toEqual([1, 2, 7])
  expect(Math.max(...heads.map(Math.abs))).toBeLessThanOrEqual(1)
})

test('the first row of a causal sequence is its first value, and has no gradient', () => {
  const [first] = attentionData(workload, 'v')
  const given = (value: number | undefined, kind: AttentionWorkload['kind']) =>
    problemOfAttention({ ...workload, kind }, [value as number, Number.NaN, Number.NaN, Number.NaN])
  // It is the second element that is wrong.
  expect(given(first, 'attention')).toMatch(/computed NaN .*head 0, row 2, channel 5/)
  expect(given(0, 'attention-gradient')).toMatch(/computed NaN .*head 0, row 2/)
  expect(given(7, 'attention')).toMatch(/computed 7 .*head 0, row 0/)
  expect(problemOfAttention(workload, undefined)).toMatch(/gave no elements/)
})

test('operations are those of the causal half; bytes those of keys and values', () => {
  expect(operationsOf(workload)).toBe(4 * 2 * 8 * 15)
  expect(operationsOf({ ...workload, kind: 'attention-gradient' })).toBe(10 * 2 * 8 * 15)
  expect(operationsOf({ ...workload, kind: 'attention-decode' })).toBe(4 * 2 * 8 * 5)
  expect(cacheBytesOf(workload)).toBe(2 * 4 * 8 * 5)
})
