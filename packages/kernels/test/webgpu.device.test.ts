import { createReferenceDevice } from '@tessera-llm/tensor'
import { type OpProblem, conform, type DeviceCase, normal } from '@tessera-llm/testing'
import { createTestGpu } from '@tessera-tooling/swiftshader'
import { createWebGpuDevice, type WebGpuDevice } from '@tessera-llm/webgpu'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type LinearInputs, linearOp, type LinearOptions } from '../src/index.ts'
import { kernelsWebgpu } from '../src/webgpu.ts'
import { activationConformance, activationGolden } from './cases/activation.ts'
import { elementwiseConformance } from './cases/elementwise.ts'
import { embeddingConformance } from './cases/embedding.ts'
import { normConformance, normGolden } from './cases/norm.ts'
import { linearConformance, matmulConformance, productGolden } from './cases/product.ts'
import { ropeConformance, ropeGolden } from './cases/rope.ts'
import { selectionConformance, selectionGolden } from './cases/selection.ts'
import { softmaxConformance, softmaxGolden } from './cases/softmax.ts'
import { linearProblems } from './problems/index.ts'

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

describe('every kernel of linear, also where another one would be chosen', () => {
  const dtypes = ['f32', 'f16', 'bf16'] as const
  it.for(dtypes)('tiled-%s', async (dtype) => {
    const problems = linearProblems.filter(({ name }) => name.startsWith(`${dtype},`))
    await conform(device, reference, linearOp, problems, { kernel: `tiled-${dtype}` })
  })

  it.for(dtypes)('gemv-%s for every number of tokens, with and without int8 activations', async (dtype) => {
    const problems = [1, 2, 3, 4, 5, 6, 7, 8].flatMap((tokens) =>
      (['f32', 'int8'] as const).map((activations): OpProblem<LinearInputs, LinearOptions> => ({
        name: `${tokens} tokens, ${activations}`,
        inputs: { x: normal([tokens, 72]), weight: normal([19, 72], { dtype, seed: 2 }), bias: normal([19], { seed: 3 }), residual: normal([tokens, 19], { seed: 4 }) },
        options: { activations },
      })),
    )
    await conform(device, reference, linearOp, problems, { kernel: `gemv-${dtype}` })
  })
})
