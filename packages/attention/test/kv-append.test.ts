import { createReferenceDevice, type DType, type Shape, type Tensor } from '@tessera-llm/tensor'
import { constant, normal, upload, values, valuesOf } from '@tessera-llm/testing'
import { expect, test } from 'vitest'
import { createContiguousCache, kvAppend } from '../src/index.ts'

const device = createReferenceDevice()
const tensor = (shape: Shape, dtype: DType = 'f32'): Tensor => upload(device, normal(shape, { dtype }))

test('rows go to their positions, others stay, rows outside the cache are dropped', async () => {
  const cache = upload(device, constant([2, 1, 3, 2], 9))
  kvAppend(cache, upload(device, values([2, 2, 1, 2], [1, 2, 3, 4, 5, 6, 7, 8])), device.tensor(Int32Array.of(2, -1), [2]))
  expect([...(await device.read(cache))]).toEqual([9, 9, 9, 9, 1, 2, 7, 8, 9, 9, 9, 9])
})

test('an f16 cache holds values rounded to nearest, ties to even', async () => {
  const cache = device.empty([1, 1, 1, 4], 'f16')
  kvAppend(cache, upload(device, values([1, 1, 1, 4], [1 / 3, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 1e-6])), device.tensor(Int32Array.of(0), [1]))
  expect(await valuesOf(cache)).toEqual(Float64Array.of(0.333251953125, 1, 1 + 2 ** -9, 17 * 2 ** -24))
})

test.for<[string, Tensor, Tensor, Tensor, string, RegExp]>([
  ['an integer cache', tensor([1, 2, 4, 8], 'i32'), tensor([1, 1, 2, 8]), tensor([1], 'i32'), 'invalid-dtype', /cache must be f32 or f16/],
  ['x of another head count', tensor([1, 2, 4, 8]), tensor([1, 1, 3, 8]), tensor([1], 'i32'), 'invalid-shape', /\[1, 1, 3, 8\] and \[1, 2, 4, 8\]/],
  ['x of three axes', tensor([1, 2, 4, 8]), tensor([1, 2, 8]), tensor([1], 'i32'), 'invalid-shape', /x must be \[B, L, H, D\]/],
  ['positions for another batch', tensor([1, 2, 4, 8]), tensor([1, 1, 2, 8]), tensor([2], 'i32'), 'invalid-shape', /positions must be \[1\], not \[2\]/],
])('refuses %s', ([, cache, x, positions, code, message]) => {
  expect(() => kvAppend(cache, x, positions)).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }))
})

test.for(['f32', 'f16'] as const)('a contiguous cache of %s says its bytes and grows by copying rows', async (dtype) => {
  const sizes = { numLayers: 2, batch: 1, numKvHeads: 2, headDim: 4, valueDim: 2, dtype }
  const small = createContiguousCache(device, { ...sizes, capacity: 3 })
  expect(small.byteLength).toBe(2 * 2 * 3 * 6 * (dtype === 'f32' ? 4 : 2))
  const { k, v } = small.layer(1)
  kvAppend(k, tensor([1, 2, 2, 4]), device.tensor(Int32Array.of(0), [1]))
  kvAppend(v, tensor([1, 2, 2, 2]), device.tensor(Int32Array.of(0), [1]))
  const large = createContiguousCache(device, { ...sizes, capacity: 5 })
  await small.copyTo(large, 2)
  for (const [from, to, width] of [[k, large.layer(1).k, 4], [v, large.layer(1).v, 2]] as const) {
    const [before, after] = [await valuesOf(from), await valuesOf(to)].map((data) => Array.from(data))
    for (const head of [0, 1]) expect(after?.slice(head * 5 * width, (head * 5 + 2) * width)).toEqual(before?.slice(head * 3 * width, (head * 3 + 2) * width))
  }
  const before = device.memory().liveTensors
  small.dispose()
  large.dispose()
  expect(before - device.memory().liveTensors).toBe(8)
})
