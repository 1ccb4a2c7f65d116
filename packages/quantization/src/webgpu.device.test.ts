import { embeddingOp, gatedLinearOp, linearOp, qkvLinearOp } from '@tessera-llm/kernels'
import { createReferenceDevice } from '@tessera-llm/tensor'
import { conform } from '@tessera-llm/testing'
import { createTestGpu } from '@tessera-tooling/swiftshader'
import { kernelWithMatrices, ofF32 } from '@tessera-tooling/swiftshader/matrices'
import { createWebGpuDevice, type WebGpuDevice } from '@tessera-llm/webgpu'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  packedEmbeddingProblems,
  packedGatedProblems,
  packedLinearProblems,
  packedQkvProblems,
} from '../test/problems/index.ts'
import { specialisedFor } from '../test/specialised.ts'
import { ggmlPackers, rawPackers } from './index.ts'
import { quantizationWebgpu } from './webgpu.ts'

const reference = createReferenceDevice()
const types = rawPackers('webgpu').map(({ source }) => source)
let gpu: GPU
let device: WebGpuDevice
let hardware: WebGpuDevice
beforeAll(async () => {
  gpu = await createTestGpu()
  device = await createWebGpuDevice({ gpu, kernels: quantizationWebgpu })
  hardware = await createWebGpuDevice({ gpu, kernels: specialisedFor('hardware', quantizationWebgpu) })
})
afterAll(() => Promise.all([device.dispose(), hardware.dispose()]))

it.for(types)('linear on %s', async (type) => {
  // Rounded inputs take kernels of their own, of which one token and tiles are enough for each type; q4_k tries them
  // all.
  const problems = packedLinearProblems(type, ggmlPackers).filter(
    ({ name }) => type === 'q4_k' || /, f32, |, int8, (1 .* 37|133 )|, int8-static, 1 /.test(name),
  )
  const reports = await conform(device, reference, linearOp, problems)
  // The codes of tq1_0 are digits, which are no bytes without a division.
  const kinds = type === 'tq1_0' ? ['gemv', 'tiled'] : ['gemv', 'tiled', 'gemv-dot', 'tiled-dot']
  expect(new Set(reports.map(({ kernel }) => kernel))).toEqual(new Set(kinds.map((kind) => `${kind}-${type}`)))
})

/** Up to 8 tokens of f32: where a token or two makes the kernel another one. */
const fewTokens = (type: string) =>
  packedLinearProblems(type, ggmlPackers).filter(({ name }) => /, f32, \d × /.test(name))
it.for(types)(
  'linear on %s as it specialises for hardware',
  async (type) => void (await conform(hardware, reference, linearOp, fewTokens(type))),
)
it.for(types)(
  'linear on %s, tiles also for few tokens',
  async (type) => void (await conform(device, reference, linearOp, fewTokens(type), { kernel: `tiled-${type}` })),
)

it('linear on q4_k over emulated matrices of f32', async () => {
  const matrices = await createWebGpuDevice({
    gpu,
    kernels: quantizationWebgpu
      .filter(({ name }) => name === 'matrix-q4_k')
      .map((kernel) => kernelWithMatrices(kernel, { configs: [ofF32] }, true)),
  })
  const problems = packedLinearProblems('q4_k', ggmlPackers).filter(({ name }) =>
    / f32, (1[6-9]|[2-9]\d|133) /.test(name),
  )
  expect(problems.length).toBeGreaterThan(0)
  await conform(matrices, reference, linearOp, problems, { kernel: 'matrix-q4_k' })
  await matrices.dispose()
})

it.for(types)(
  'embedding on %s',
  async (type) => void (await conform(device, reference, embeddingOp, packedEmbeddingProblems(type, ggmlPackers))),
)

it('rounded activations without integer products', async () => {
  const problems = packedLinearProblems('q4_k', ggmlPackers).filter(({ name }) =>
    /, int[48](-token|-static)?, [17] × /.test(name),
  )
  await conform(device, reference, linearOp, problems, { kernel: 'gemv-q4_k' })
  await conform(device, reference, linearOp, problems.slice(0, 2), { kernel: 'tiled-q4_k' })
})

it('the projections of attention in one call', async () =>
  void (await conform(device, reference, qkvLinearOp, packedQkvProblems(ggmlPackers), { kernel: 'gemv-packed' })))
it('a gated pair of projections in one call', async () =>
  void (await conform(hardware, reference, gatedLinearOp, packedGatedProblems(ggmlPackers), { kernel: 'gemv-packed' })))
