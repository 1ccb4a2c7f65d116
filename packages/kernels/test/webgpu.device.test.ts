import { createReferenceDevice, type DType } from '@tessera-llm/tensor'
import { type OpProblem, conform, type DeviceCase, normal } from '@tessera-llm/testing'
import { createTestGpu } from '@tessera-tooling/swiftshader'
import { createWebGpuDevice, type WebGpuDevice } from '@tessera-llm/webgpu'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LinearInputs, linearOp, type LinearOptions } from '../src/index.ts'
import { kernelsWebgpu } from '../src/webgpu.ts'
import { activationConformance, activationGolden } from './cases/activation.ts'
import { elementwiseConformance } from './cases/elementwise.ts'
import { embeddingConformance } from './cases/embedding.ts'
import { fusedConformance, ofOneToken } from './cases/fused.ts'
import { hadamardConformance } from './cases/hadamard.ts'
import { normConformance, normGolden } from './cases/norm.ts'
import { linearConformance, matmulConformance, productGolden } from './cases/product.ts'
import { ropeConformance, ropeGolden } from './cases/rope.ts'
import { selectionConformance, selectionGolden } from './cases/selection.ts'
import { softmaxConformance, softmaxGolden } from './cases/softmax.ts'
import { linearProblems } from './problems/index.ts'
import { specialisedFor } from './specialised.ts'

const reference = createReferenceDevice()
let gpu: GPU
let device: WebGpuDevice
beforeAll(async () => {
  gpu = await createTestGpu()
  device = await createWebGpuDevice({ gpu, kernels: kernelsWebgpu })
})
afterAll(() => device.dispose())

const cases: Readonly<Record<string, readonly DeviceCase[]>> = {
  linear: linearConformance,
  matmul: matmulConformance,
  products: productGolden,
  embedding: embeddingConformance,
  fused: fusedConformance.filter(ofOneToken),
  hadamard: hadamardConformance,
  norms: [...normConformance, ...normGolden],
  rope: [...ropeConformance, ...ropeGolden],
  activations: [...activationConformance, ...activationGolden],
  elementwise: elementwiseConformance,
  softmax: [...softmaxConformance, ...softmaxGolden],
  selection: [...selectionConformance, ...selectionGolden],
}

describe.each(Object.entries(cases))('%s', (_, rows) => {
  it.for(rows)('$name', (row) => row.run(device, reference))
})

const dtypes = ['f32', 'f16', 'bf16'] as const
const some = (
  dtype: DType,
  tokens: number,
  rows: number,
  columns: number,
  activations: 'f32' | 'int8' = 'f32',
): OpProblem<LinearInputs, LinearOptions> => ({
  name: `${tokens} × ${columns} → ${rows}, ${activations}`,
  inputs: {
    x: normal([tokens, columns]),
    weight: normal([rows, columns], { dtype, seed: 2 }),
    bias: normal([rows], { seed: 3 }),
    residual: normal([tokens, rows], { seed: 4 }),
  },
  options: { activations },
})

describe('every kernel of linear, also where another one would be chosen', () => {
  it.for(dtypes)('tiled-%s', async (dtype) => {
    const problems = linearProblems.filter(({ name }) => name.startsWith(`${dtype},`))
    await conform(device, reference, linearOp, problems, { kernel: `tiled-${dtype}` })
  })

  it.for(dtypes)('gemv-%s for every number of tokens, with and without int8 activations', async (dtype) => {
    const problems = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((tokens) =>
      (['f32', 'int8'] as const).map((activations) => some(dtype, tokens, 19, 72, activations)),
    )
    await conform(device, reference, linearOp, problems, { kernel: `gemv-${dtype}` })
  })
})

it('no tokens, no rows and no columns are problems too', async () => {
  await conform(device, reference, linearOp, [
    some('f32', 0, 5, 8),
    some('f16', 3, 0, 8),
    some('f32', 2, 5, 0),
    some('f32', 12, 5, 0),
  ])
})

describe('as kernels specialise for hardware, with subgroups', () => {
  let hardware: WebGpuDevice
  beforeAll(async () => {
    hardware = await createWebGpuDevice({ gpu, kernels: specialisedFor('hardware', kernelsWebgpu) })
  })
  afterAll(() => hardware.dispose())

  it('the device has subgroups, here of 4 lanes', () => {
    expect(hardware.capabilities.features).toContain('subgroups')
    expect(hardware.capabilities.languageFeatures).toContain('subgroup_id')
    expect(hardware.capabilities.subgroupMinSize).toBe(4)
  })

  // Rows short enough for one lane, and rows shared by 32, 128 and 256 lanes.
  it.for(
    [...normConformance, ...softmaxConformance].filter(({ name }) =>
      /\[3, (1|33|257|1000)\]|vocabulary|masked|\[2, 2, 576\]/.test(name),
    ),
  )('$name', (row) => row.run(hardware, reference))

  it.for([...linearConformance, ...fusedConformance.filter((row) => ofOneToken(row) && row.name.includes('by f16'))])(
    '$name',
    (row) => row.run(hardware, reference),
  )

  // From these sizes on, a lane takes two rows, or four.
  it.for([16_385, 32_770])(
    'one token by %i rows',
    async (rows) =>
      void (await conform(hardware, reference, linearOp, [some('f16', 1, rows, 64)], { kernel: 'gemv-f16' })),
  )
})
