import { createReferenceDevice, type DType, type Shape, type Tensor } from '@tessera-llm/tensor'
import { constant, normal, upload, values, valuesOf } from '@tessera-llm/testing'
import { expect, test } from 'vitest'
import { kvAppend } from '../src/index.ts'

const device = createReferenceDevice()
const tensor = (shape: Shape, dtype: DType = 'f32'): Tensor => upload(device, normal(shape, { dtype }))

test('rows go to their positions, others stay, rows outside the cache are dropped', async () => {
  const cache = upload(device, constant([2, 1, 3, 2], 9))
  kvAppend(
    cache,
    upload(device, values([2, 2, 1, 2], [1, 2, 3, 4, 5, 6, 7, 8])),
    device.tensor(Int32Array.of(2, -1), [2]),
  )
  expect([...(await device.read(cache))]).toEqual([9, 9, 9, 9, 1, 2, 7, 8, 9, 9, 9, 9])
})

test('an f16 cache holds values rounded to nearest, ties to even', async () => {
  const cache = device.empty([1, 1, 1, 4], 'f16')
  kvAppend(
    cache,
    upload(device, values([1, 1, 1, 4], [1 / 3, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 1e-6])),
    device.tensor(Int32Array.of(0), [1]),
  )
  expect(await valuesOf(cache)).toEqual(Float64Array.of(0.333251953125, 1, 1 + 2 ** -9, 17 * 2 ** -24))
})

test.for<[string, Tensor, Tensor, Tensor, string, RegExp]>([
  [
    'an integer cache',
    tensor([1, 2, 4, 8], 'i32'),
    tensor([1, 1, 2, 8]),
    tensor([1], 'i32'),
    'invalid-dtype',
    /cache must be f32 or f16/,
  ],
  [
    'x of another head count',
    tensor([1, 2, 4, 8]),
    tensor([1, 1, 3, 8]),
    tensor([1], 'i32'),
    'invalid-shape',
    /\[1, 1, 3, 8\] and \[1, 2, 4, 8\]/,
  ],
  [
    'x of three axes',
    tensor([1, 2, 4, 8]),
    tensor([1, 2, 8]),
    tensor([1], 'i32'),
    'invalid-shape',
    /x must be \[B, L, H, D\]/,
  ],
  [
    'positions for another batch',
    tensor([1, 2, 4, 8]),
    tensor([1, 1, 2, 8]),
    tensor([2], 'i32'),
    'invalid-shape',
    /positions must be \[1\], not \[2\]/,
  ],
])('refuses %s', ([, cache, x, positions, code, message]) => {
  expect(() => kvAppend(cache, x, positions)).toThrow(
    expect.objectContaining({ code, message: expect.stringMatching(message) }),
  )
})

test('refuses a block table for another batch, and more rows than its pages have', () => {
  const append = (rows: number, table: Tensor) => () =>
    kvAppend(tensor([5, 2, 4, 8]), tensor([2, rows, 2, 8]), tensor([2], 'i32'), table)
  expect(append(1, tensor([3, 2], 'i32'))).toThrow(
    expect.objectContaining({
      code: 'invalid-shape',
      message: expect.stringMatching(/blockTable must be i32 \[2, P\], not i32 \[3, 2\]/),
    }),
  )
  expect(append(9, tensor([2, 2], 'i32'))).toThrow(
    expect.objectContaining({
      code: 'invalid-shape',
      message: expect.stringMatching(/9 rows do not fit the 2 pages of 4 rows/),
    }),
  )
})
