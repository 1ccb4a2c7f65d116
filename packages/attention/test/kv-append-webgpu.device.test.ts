import { createReferenceDevice, type Tensor } from '@tessera-llm/tensor'
import { compare, normal, upload, valuesOf } from '@tessera-llm/testing'
import { createWebGpuDevice, type WebGpuDevice, type WebGpuKernel } from '@tessera-llm/webgpu'
import { createTestGpu } from '@tessera-tooling/swiftshader'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { attention, type CacheLayer, denseCache, kvAppendOp, type LayerCache } from '../src/index.ts'
import { attentionWebgpu } from '../src/webgpu.ts'
import { kvAppendConformance } from './cases/kv-append.ts'
import { kvCopyPageConformance } from './cases/kv-copy-page.ts'
import { kvStoreConformance } from './cases/kv-store.ts'
import { ropeAppendConformance } from './cases/rope-append.ts'

const reference = createReferenceDevice()
let gpu: GPU
let device: WebGpuDevice
beforeAll(async () => {
  gpu = await createTestGpu()
  device = await createWebGpuDevice({ gpu, kernels: attentionWebgpu })
})
afterAll(() => device.dispose())

test.for([...kvAppendConformance, ...kvCopyPageConformance, ...kvStoreConformance, ...ropeAppendConformance])(
  '$op conforms: $name',
  (one) => one.run(device, reference),
)

test.for(ropeAppendConformance)('$name conforms where queries and keys are taken apart', async (one) => {
  const kernels = attentionWebgpu.map(
    (kernel): WebGpuKernel => ({
      ...kernel,
      passes: (problem, capabilities) =>
        kernel.passes(problem, {
          ...capabilities,
          limits: { ...(capabilities['limits'] as object), maxStorageBuffersPerShaderStage: 7 },
        }),
    }),
  )
  const few = await createWebGpuDevice({ gpu, kernels })
  await one.run(few, reference)
  await few.dispose()
})

test('an f16 cache of an odd head size has no kernel, and says why', () => {
  const inputs = {
    cache: device.empty([1, 1, 4, 7], 'f16'),
    x: device.empty([1, 1, 1, 7], 'f32'),
    positions: device.empty([1], 'i32'),
  }
  expect(device.explain(kvAppendOp, inputs, {})).toMatchObject({
    kernel: undefined,
    reason: expect.stringContaining('an f16 cache needs an even head size, not 7'),
  })
  expect(() => device.run(kvAppendOp, inputs, {})).toThrow(expect.objectContaining({ code: 'missing-kernel' }))
})

test.for(['f32', 'f16'] as const)(
  'a captured step over a cache of %s replays at new positions, with the bits of eager calls',
  async (dtype) => {
    const [heads, kvHeads, headDim, capacity] = [6, 2, 32, 256]
    const layers: readonly CacheLayer[] = [{ numKvHeads: kvHeads, headDim }]
    const cache = denseCache(dtype).create(device, { layers, batch: 1, capacity })
    const eagerCache = denseCache(dtype).create(device, { layers, batch: 1, capacity })
    const q = device.empty([1, 1, heads, headDim], 'f32')
    const [k, v] = [0, 1].map(() => device.empty([1, 1, kvHeads, headDim], 'f32')) as [Tensor, Tensor]
    const start = device.tensor(Int32Array.of(0), [1])
    const lengths = device.tensor(Int32Array.of(1), [1])
    const step = (layer: LayerCache): Tensor => {
      layer.append(k, v, { start, lengths })
      return layer.attend(q, { start, lengths })
    }
    const plan = device.capture(() => step(cache.layer(0)))
    const written: Float32Array[][] = []
    for (let position = 0; position < 150; position++) {
      const [rowQ, rowK, rowV] = [heads, kvHeads, kvHeads].map(
        (count, i) => normal([1, 1, count, headDim], { seed: 3 * position + i }).data as Float32Array,
      ) as [Float32Array, Float32Array, Float32Array]
      device.write(q, rowQ)
      device.write(k, rowK)
      device.write(v, rowV)
      device.write(start, Int32Array.of(position))
      device.write(lengths, Int32Array.of(position + 1))
      written.push([rowQ, rowK, rowV])
      plan.replay()
      const eager = step(eagerCache.layer(0))
      // Around the end of the first stretch of keys, and at the last step.
      if ([0, 1, 63, 64, 65, 127, 128, 149].includes(position)) {
        const [replayed, direct] = [await device.read(plan.result), await device.read(eager)]
        expect(replayed).toEqual(direct)
        const cut = (index: number): Tensor =>
          upload(reference, {
            dtype: 'f32',
            shape: [1, position + 1, kvHeads, headDim],
            data: Float32Array.from(written.flatMap((rows) => [...(rows[index] as Float32Array)])),
          })
        const expected = attention(
          upload(reference, { dtype: 'f32', shape: [1, 1, heads, headDim], data: rowQ }),
          cut(1),
          cut(2),
          { isCausal: true, layout: 'blhd' },
        ).o
        const comparison = compare(
          replayed as Float32Array,
          await valuesOf(expected),
          dtype === 'f32' ? { atol: 1e-5, rtol: 1e-5, nmse: 1e-7 } : { atol: 2e-3, rtol: 2e-3, nmse: 4e-6 },
        )
        expect(comparison.pass, `position ${position}: ${comparison.message}`).toBe(true)
      }
      eager.dispose()
    }
    plan.dispose()
    cache.dispose()
    eagerCache.dispose()
  },
)
