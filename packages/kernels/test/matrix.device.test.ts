import { createReferenceDevice, type DType } from '@tessera-llm/tensor'
import { conform, normal, type OpProblem } from '@tessera-llm/testing'
import { createWebGpuDevice } from '@tessera-llm/webgpu'
import { createTestGpu } from '@tessera-tooling/swiftshader'
import {
  kernelWithMatrices,
  type MatrixGpu,
  ofF16,
  ofF32,
  ofNarrowF16,
  ofWideF16,
} from '@tessera-tooling/swiftshader/matrices'
import { expect, it } from 'vitest'
import { type LinearInputs, linearOp, type LinearOptions } from '../src/index.ts'
import { kernelsWebgpu } from '../src/webgpu.ts'

type Problem = OpProblem<LinearInputs, LinearOptions>
const some = (dtype: DType, tokens: number, rows: number, columns: number): Problem => ({
  name: `${tokens} × ${columns} → ${rows}`,
  inputs: {
    x: normal([tokens, columns]),
    weight: normal([rows, columns], { dtype, seed: 2 }),
    bias: normal([rows], { seed: 3 }),
    residual: normal([tokens, rows], { seed: 4 }),
  },
  options: {},
})
/** Sizes on both sides of a tile, of a staged block and of a vector. */
const sizes = (dtype: DType): readonly Problem[] => [
  some(dtype, 16, 5, 8),
  some(dtype, 33, 40, 72),
  some(dtype, 70, 65, 33),
]

/** Tokens that overflow f16, beside others. */
const unequal: Problem = {
  ...some('f16', 20, 20, 40),
  name: 'tokens of 1e6 and 1e-6',
  inputs: {
    x: {
      ...normal([20, 40]),
      data: (normal([20, 40]).data as Float32Array).map(
        (value, i) => value * (Math.floor(i / 40) % 2 === 0 ? 1e6 : 1e-6),
      ),
    },
    weight: normal([20, 40], { dtype: 'f16', seed: 2 }),
    bias: undefined,
    residual: undefined,
  },
}

it.for<[string, MatrixGpu, string, readonly Problem[]]>([
  ['8 × 8 × 8 of f32', { configs: [ofF32] }, 'matrix-f32', sizes('f32')],
  [
    '8 × 8 × 8 of f32 with weights in bf16, in subgroups of 128',
    { configs: [ofF32], width: 128 },
    'matrix-bf16',
    sizes('bf16'),
  ],
  ['16 × 16 × 16 of f16', { configs: [ofF16] }, 'matrix-f16', sizes('f16')],
  ['16 × 16 × 16 of f16 in 16 KiB', { configs: [ofF16], memory: 16384 }, 'matrix-f16', sizes('f16')],
  ['8 × 16 × 16 of f16', { configs: [ofWideF16], width: 16 }, 'matrix-f16', sizes('f16')],
  ['16 × 8 × 16 of f16', { configs: [ofNarrowF16], width: 64 }, 'matrix-f16', sizes('f16')],
])('linear conforms over emulated matrices: %s', async ([, gpu, kernel, problems]) => {
  const device = await createWebGpuDevice({
    gpu: await createTestGpu(),
    kernels: kernelsWebgpu.filter(({ name }) => name === kernel).map((one) => kernelWithMatrices(one, gpu, true)),
  })
  await conform(device, createReferenceDevice(), linearOp, problems, { kernel })
  await device.dispose()
})

it('each token is scaled by itself: its error is small beside its own values', async () => {
  const device = await createWebGpuDevice({
    gpu: await createTestGpu(),
    kernels: kernelsWebgpu
      .filter(({ name }) => name === 'matrix-f16')
      .map((one) => kernelWithMatrices(one, { configs: [ofF16] }, true)),
  })
  const reference = createReferenceDevice()
  const [ours, exact] = (await Promise.all(
    [device, reference].map(async (on) => {
      const upload = ({ shape, dtype, data }: ReturnType<typeof normal>) => on.tensor(data, shape, dtype)
      const { x, weight } = unequal.inputs as {
        readonly x: ReturnType<typeof normal>
        readonly weight: ReturnType<typeof normal>
      }
      return (await on.read(on.run(linearOp, { x: upload(x), weight: upload(weight) }, {}).y)) as Float32Array
    }),
  )) as [Float32Array, Float32Array]
  for (const [i, value] of exact.entries())
    expect(Math.abs((ours[i] as number) - value)).toBeLessThan(1e-5 * (Math.floor(i / 20) % 2 === 0 ? 1e6 : 1e-6))
  await device.dispose()
})
