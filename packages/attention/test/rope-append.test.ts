import { createReferenceDevice, type DType, type Shape, type Tensor } from '@tessera-llm/tensor'
import { constant, normal, upload, values } from '@tessera-llm/testing'
import { expect, test } from 'vitest'
import { ropeAppend, type RopeAppendInputs } from '../src/index.ts'
import { ropeAppendConformance } from './cases/rope-append.ts'

const device = createReferenceDevice()
const tensor = (shape: Shape, dtype: DType = 'f32'): Tensor => upload(device, normal(shape, { dtype }))

test.for(ropeAppendConformance)('$name is a problem that the contract takes', (problem) =>
  problem.run(createReferenceDevice(), device),
)

test('normalises, rotates by a quarter turn, and writes what the position says', async () => {
  const row = (...list: number[]): Tensor => upload(device, values([1, 1, 1, list.length], list))
  const [q, k, v] = [row(3, 4), row(6, 8), row(7, 9)]
  const [keys, cached] = [upload(device, constant([1, 1, 3, 2], 0)), upload(device, constant([1, 1, 3, 2], 0))]
  const [cos, sin] = [upload(device, values([2, 1], [1, 0])), upload(device, values([2, 1], [0, 1]))]
  ropeAppend(
    {
      q,
      k,
      v,
      cos,
      sin,
      positions: device.tensor(Int32Array.of(1), [1, 1]),
      keys,
      values: cached,
      keyNorm: upload(device, values([2], [0, 1])),
    },
    { style: 'neox', eps: 0, unitOffset: true },
  )
  expect([...(await device.read(q))]).toEqual([-4, 3])
  // √mean of (6, 8) is √50; the weights are 1 and 2.
  const stored = await device.read(keys)
  for (const [index, value] of [0, 0, -16 / Math.sqrt(50), 6 / Math.sqrt(50), 0, 0].entries())
    expect(stored[index]).toBeCloseTo(value, 6)
  expect([...(await device.read(cached))]).toEqual([0, 0, 7, 9, 0, 0])
})

const inputs = (over: Partial<RopeAppendInputs> = {}): RopeAppendInputs => ({
  q: tensor([1, 2, 4, 8]),
  k: tensor([1, 2, 2, 8]),
  v: tensor([1, 2, 2, 6]),
  cos: tensor([9, 3]),
  sin: tensor([9, 3]),
  positions: tensor([1, 2], 'i32'),
  keys: tensor([1, 2, 5, 8]),
  values: tensor([1, 2, 5, 6]),
  ...over,
})

test.for<[string, RopeAppendInputs, { readonly style?: string; readonly eps?: number }, string, string]>([
  [
    'keys of another length',
    inputs({ k: tensor([1, 3, 2, 8]) }),
    {},
    'invalid-shape',
    'k must be f32 [1, 2, 2, 8], not f32 [1, 3, 2, 8]',
  ],
  [
    'a cache of other heads',
    inputs({ values: tensor([1, 1, 5, 6]) }),
    {},
    'invalid-shape',
    'values must be f32 [1, 2, 5, 6], not f32 [1, 1, 5, 6]',
  ],
  [
    'an integer cache',
    inputs({ keys: tensor([1, 2, 5, 8], 'i32') }),
    {},
    'invalid-dtype',
    'keys must be f32 or f16, not i32',
  ],
  [
    'more angles than channels',
    inputs({ cos: tensor([9, 5]), sin: tensor([9, 5]) }),
    {},
    'invalid-shape',
    'R ≤ 8, not [9, 5]',
  ],
  [
    'positions of another type',
    inputs({ positions: tensor([1, 2]) }),
    {},
    'invalid-shape',
    'positions must be i32 [1, 2], not f32 [1, 2]',
  ],
  [
    'a norm without eps',
    inputs({ keyNorm: tensor([8]) }),
    {},
    'invalid-option',
    'keyNorm needs an eps that is 0 or positive, not undefined',
  ],
  ['another style', inputs(), { style: 'llama' }, 'invalid-option', 'style must be one of neox, gptj, not "llama"'],
])('refuses %s', ([, given, options, code, message]) => {
  expect(() => ropeAppend(given, { style: 'neox', ...options } as { readonly style: 'neox' })).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(message) }),
  )
})
