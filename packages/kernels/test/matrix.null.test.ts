import type { DType } from '@tessera-llm/tensor'
import { createWebGpuDevice, type WebGpuDevice } from '@tessera-llm/webgpu'
import { createNullGpu } from '@tessera-tooling/swiftshader'
import {
  kernelWithMatrices,
  type MatrixGpu,
  ofF16,
  ofF32,
  ofNarrowF16,
  ofWideF16,
} from '@tessera-tooling/swiftshader/matrices'
import { afterAll, expect, test } from 'vitest'
import { linearOp } from '../src/index.ts'
import { kernelsWebgpu } from '../src/webgpu.ts'

const devices: WebGpuDevice[] = []
afterAll(() => Promise.all(devices.map((device) => device.dispose())))

async function deviceWith(gpu: MatrixGpu): Promise<WebGpuDevice> {
  const kernels = kernelsWebgpu.map((kernel) =>
    kernel.name.startsWith('matrix-') ? kernelWithMatrices(kernel, gpu, false) : kernel,
  )
  const device = await createWebGpuDevice({ gpu: await createNullGpu(), kernels })
  devices.push(device)
  return device
}

const inputsOf = (device: WebGpuDevice, dtype: DType, tokens: number, columns: number) => ({
  x: device.empty([tokens, columns], 'f32'),
  weight: device.empty([70, columns], dtype),
})

test.for([
  ['f32', ofF32],
  ['f16', ofF16],
  ['f16', ofWideF16],
  ['f16', ofNarrowF16],
  ['f16', { ...ofF16, M: 8, N: 8, K: 8 }],
] as const)('linear compiles with weights in %s for matrices %o, for every subgroup size', async ([dtype, config]) => {
  for (const width of [4, 32, 64, 128]) {
    const device = await deviceWith({ configs: [config], width })
    for (const columns of [33, 64]) {
      const inputs = inputsOf(device, dtype, 40, columns)
      for (const more of [{}, { bias: device.empty([70], 'f32'), residual: device.empty([40, 70], 'f32') }])
        expect(
          await device.webgpu.prepare(() =>
            device.run(linearOp, { ...inputs, ...more }, {}, { kernel: `matrix-${dtype}` }),
          ),
        ).toBe(1)
    }
  }
})

test('it is chosen for many tokens and weights that matrices hold exactly, and says why not for others', async () => {
  const device = await deviceWith({ configs: [ofF16] })
  const explained = (dtype: DType, tokens: number) => device.explain(linearOp, inputsOf(device, dtype, tokens, 64), {})
  const reasonOf = (dtype: DType, tokens: number) =>
    explained(dtype, tokens).candidates.find(({ kernel }) => kernel === `matrix-${dtype}`)?.supported
  expect(explained('f16', 16).kernel).toBe('matrix-f16')
  expect(explained('f16', 15).kernel).toBe('tiled-f16')
  expect(reasonOf('f16', 15)).toBe('takes 16 tokens or more, not 15')
  expect(explained('bf16', 40).kernel).toBe('tiled-bf16')
  expect(reasonOf('bf16', 40)).toMatch(
    /only dense weights of f16 are exact in f16, and for others: this GPU multiplies no matrices of f32/,
  )
})
