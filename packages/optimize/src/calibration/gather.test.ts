import { createRandom, createReferenceDevice, type Device, type Tensor } from '@tessera-llm/tensor'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { createWasmDevice } from '@tessera-llm/wasm'
import { afterAll, expect, test } from 'vitest'
import type { Site, Stream } from '../program/index.ts'
import { gatherSite } from './gather.ts'

const columns = 390
const random = createRandom(8)
const windowOf = (): Float32Array =>
  Float32Array.from({ length: 14 * columns }, (_, i) => random.normal() * (1 + (i % 7)) - 0.2)
const windows = [windowOf(), windowOf(), windowOf()]
const aims = windows.map((values) => values.map((value) => value + 0.1 * random.normal()))
const site = {
  name: 'here',
  input: { kind: 'dense', memory: 0, dtype: 'f32', shape: [2, 7, columns] },
} as unknown as Site

const streamOf = (device: Device, values: readonly Float32Array[]): Stream =>
  ({
    tensor: (window: number): Tensor => device.tensor(values[window] as Float32Array, site.input.shape),
  }) as unknown as Stream

const own = ['add-product', 'add-column-sums']
const whole = await createWasmDevice({ kernels: kernelsWasm, threads: 3 })
const without = await createWasmDevice({ kernels: kernelsWasm.filter(({ op }) => !own.includes(op)), threads: 1 })
afterAll(() => Promise.all([whole.dispose(), without.dispose()]))

test('a device that adds its products itself gives the bits of one that only multiplies, and the sums of the definition', async () => {
  const gather = (device: Device, products = true) =>
    gatherSite(device, site, windows.length, streamOf(device, windows), { aim: streamOf(device, aims), products })
  const found = await gather(whole)
  expect(found).toEqual(await gather(without))
  expect(whole.memory().liveTensors + without.memory().liveTensors).toBe(0)
  const exact = await gather(createReferenceDevice())
  for (const field of ['secondMoment', 'mismatch', 'sum', 'squares', 'absSum', 'absMax'] as const) {
    const [got, expected] = [found[field], exact[field]] as [Float32Array, Float32Array]
    const most = expected.reduce((sum, value) => Math.max(sum, Math.abs(value)), 0)
    const worst = got.reduce((sum, value, i) => Math.max(sum, Math.abs(value - (expected[i] as number))), 0)
    expect(worst / most, field).toBeLessThan(1e-6)
  }
  expect(found.count).toBe(42)
  let product = 0
  for (const values of windows)
    for (let row = 0; row < 14; row++)
      product += (values[row * columns + 388] as number) * (values[row * columns + 5] as number)
  expect(found.secondMoment?.[388 * columns + 5]).toBeCloseTo(product, 3)
  expect(found.secondMoment?.[5 * columns + 388]).toBeCloseTo(product, 3)
})

test('without products there are sums alone, and what is not finite is refused by the name of the site', async () => {
  for (const device of [whole, without]) {
    const sums = await gatherSite(device, site, windows.length, streamOf(device, windows), { products: false })
    expect([sums.secondMoment, sums.mismatch, sums.sum?.length]).toEqual([undefined, undefined, columns])
    const broken = [(windows[0] as Float32Array).map((value, i) => (i === 9 ? Number.NaN : value))]
    await expect(gatherSite(device, site, 1, streamOf(device, broken))).rejects.toThrow(
      'the inputs of here hold NaN or infinities',
    )
    expect(device.memory().liveTensors).toBe(0)
  }
})
