import { createReferenceDevice, decodeElements } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import { constant, integers, normal, uniform, upload, values } from './generate.ts'

test('equal seeds give equal values, other seeds others', () => {
  expect(normal([4, 5], { seed: 7 })).toEqual(normal([4, 5], { seed: 7 }))
  expect(normal([4, 5], { seed: 7 }).data).not.toEqual(normal([4, 5], { seed: 8 }).data)
})

test('normal and uniform have the moments that were asked for', () => {
  const moments = (data: ArrayLike<number>): readonly [number, number] => {
    const list = Array.from(data)
    const mean = list.reduce((sum, x) => sum + x, 0) / list.length
    return [mean, Math.sqrt(list.reduce((sum, x) => sum + (x - mean) ** 2, 0) / list.length)]
  }
  const [mean, deviation] = moments(normal([20_000], { mean: 3, scale: 2 }).data as Float32Array)
  expect(mean).toBeCloseTo(3, 1)
  expect(deviation).toBeCloseTo(2, 1)
  const flat = uniform([20_000], { mean: -1, scale: 0.5 }).data as Float32Array
  expect(moments(flat)[1]).toBeCloseTo(0.5 / Math.sqrt(3), 2)
  expect(Math.min(...flat)).toBeGreaterThanOrEqual(-1.5)
  expect(Math.max(...flat)).toBeLessThan(-0.5)
})

test('integers cover 0 … bound − 1 and nothing else', () => {
  expect(new Set(integers([1000], 5).data as Int32Array)).toEqual(new Set([0, 1, 2, 3, 4]))
})

test('values are rounded to the dtype that is asked for', () => {
  const { data, dtype } = values([2], [1 / 3, 2], 'bf16')
  expect(decodeElements(data, dtype, 2)).toEqual(Float64Array.of(0.333984375, 2))
})

test('upload keeps shape, dtype and bits', async () => {
  const device = createReferenceDevice()
  const tensor = upload(device, constant([2, 3], 1.5, 'f16'))
  expect([tensor.shape, tensor.dtype]).toEqual([[2, 3], 'f16'])
  expect(await device.read(tensor)).toEqual(new Uint16Array(6).fill(0x3e00))
})
