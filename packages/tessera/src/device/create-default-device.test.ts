import { expect, test } from 'vitest'
import { createDefaultDevice } from './create-default-device.ts'

/** A stand-in for `navigator.gpu`: without an adapter, or with one that computes in software. */
const gpuWith = (info: Partial<GPUAdapterInfo> | undefined): GPU =>
  ({ requestAdapter: async () => (info === undefined ? null : { info }) }) as unknown as GPU

test.each<[string, GPU]>([
  ['has no adapter', gpuWith(undefined)],
  ['has a software adapter', gpuWith({ isFallbackAdapter: true, architecture: '' })],
  ['has SwiftShader, which does not say so', gpuWith({ isFallbackAdapter: false, architecture: 'swiftshader' })],
])('auto is WebAssembly where WebGPU %s', async (_, gpu) => {
  const device = await createDefaultDevice({ gpu, threads: 1 })
  expect(device.kind).toBe('wasm')
  await device.dispose()
})

test('auto is WebGPU where there is an adapter, and says why it cannot be used', async () => {
  const adapter = {
    info: { isFallbackAdapter: false, vendor: 'acme', architecture: 'fast' },
    features: new Set(),
    limits: {},
    requestDevice: () => Promise.reject(new Error('used up')),
  }
  await expect(
    createDefaultDevice({ gpu: { requestAdapter: async () => adapter } as unknown as GPU }),
  ).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringContaining('acme fast refused a device (Error: used up)'),
  })
})

test('webgpu is not replaced by another device', async () => {
  await expect(createDefaultDevice({ device: 'webgpu', gpu: gpuWith(undefined) })).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringContaining('no adapter'),
  })
  await expect(createDefaultDevice({ device: 'webgpu' })).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringContaining('this platform has none'),
  })
})

test('another name is refused', async () => {
  await expect(createDefaultDevice({ device: 'cuda' as 'wasm' })).rejects.toMatchObject({
    code: 'invalid-option',
    message: expect.stringContaining('not "cuda"'),
  })
})
