import { isTesseraError } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import { drawHeads, inputs, valueDim } from '../../test/cases/head-weights.ts'
import { convertHeads, type ConvertHeadsOptions, type HeadWeights } from './index.ts'

test.each<[string, Partial<HeadWeights>, object, string, RegExp]>([
  [
    'a count that does not divide',
    {},
    { numKvHeads: 4 },
    'invalid-option',
    /numKvHeads must divide the 6 KV heads that there are \(1, 2, 3, 6\), but is 4/,
  ],
  ['no head', {}, { numKvHeads: 0 }, 'invalid-option', /but is 0/],
  [
    'a method that is none',
    {},
    { method: 'median' },
    'invalid-option',
    /method must be mean, first, activation or principal, not median/,
  ],
  [
    'a key of another size',
    { key: { weight: new Float32Array(7) } },
    {},
    'invalid-shape',
    /key\.weight must have 480 values for 6 query and 6 KV heads of 8 and 10 inputs, but has 7/,
  ],
  [
    'a bias of another size',
    { value: { weight: new Float32Array(6 * valueDim * inputs), bias: new Float32Array(1) } },
    {},
    'invalid-shape',
    /value\.bias must have 36 values/,
  ],
  [
    'a query of no heads',
    { query: { weight: new Float32Array(7) } },
    {},
    'invalid-shape',
    /query\.weight has 7 values, which are no rows of 6 heads of 8/,
  ],
  [
    'head counts that do not divide',
    { numHeads: 7 },
    {},
    'invalid-shape',
    /numHeads \(7\) must be a multiple of numKvHeads \(6\)/,
  ],
  [
    'a head that is named twice',
    {},
    {
      groups: [
        [0, 1, 2],
        [2, 4, 5],
      ],
    },
    'invalid-option',
    /head 2 is named twice/,
  ],
  [
    'a head that is not there',
    {},
    {
      groups: [
        [0, 1, 2],
        [3, 4, 6],
      ],
    },
    'invalid-option',
    /group 1 names head 6/,
  ],
  [
    'groups of unequal size',
    {},
    {
      groups: [
        [0, 1],
        [2, 3, 4, 5],
      ],
    },
    'invalid-option',
    /group 0 has 2 heads/,
  ],
  [
    'moments of another size',
    {},
    {
      method: 'activation',
      keyRotation: { kind: 'none' },
      moments: { key: new Float64Array(4), value: new Float64Array(4) },
    },
    'invalid-option',
    /moments\.key must be \[48, 48\] for 6 heads of 8, but has 4/,
  ],
  [
    'query moments of another size',
    {},
    {
      method: 'principal',
      keyRotation: { kind: 'none' },
      moments: { key: new Float64Array(48 * 48), value: new Float64Array(36 * 36), query: new Float64Array(3) },
    },
    'invalid-option',
    /moments\.query must be \[6, 8, 8\], but has 3/,
  ],
  [
    'moments that overflowed',
    {},
    {
      method: 'activation',
      keyRotation: { kind: 'none' },
      moments: { key: new Float64Array(48 * 48).fill(Number.NaN), value: new Float64Array(36 * 36) },
    },
    'invalid-value',
    /moments\.key holds NaN/,
  ],
  [
    'an odd rotary size',
    {},
    {
      method: 'activation',
      keyRotation: { kind: 'rope', style: 'neox', rotaryDim: 7 },
      moments: { key: new Float64Array(48 * 48), value: new Float64Array(36 * 36) },
    },
    'invalid-option',
    /rotaryDim must be an even number from 2 to headDim \(8\), not 7/,
  ],
])('refuses %s', (_, weights, options, code, message) => {
  let error: unknown
  try {
    convertHeads({ ...drawHeads(6, 6, 1), ...weights }, {
      numKvHeads: 2,
      method: 'mean',
      ...options,
    } as ConvertHeadsOptions)
  } catch (caught) {
    error = caught
  }
  expect(isTesseraError(error, code as 'invalid-option'), String(error)).toBe(true)
  expect(String(error)).toMatch(message)
})
