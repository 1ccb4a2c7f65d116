import { createReferenceDevice, describeProblem, type InputSpecs, specOf, type Tensor } from '@tessera-llm/tensor'
import { compare, type OpProblem, uploadInputs, valuesOf } from '@tessera-llm/testing'
import { createWebGpuDevice, type WebGpuDevice } from '@tessera-llm/webgpu'
import { createTestGpu } from '@tessera-tooling/swiftshader'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AttentionInputs, attentionOp, type AttentionOptions } from '../src/index.ts'
import { attentionWebgpu } from '../src/webgpu.ts'
import {
  attentionConformance,
  attentionProblems,
  crowdedConformance,
  packedConformance,
  packedProblems,
} from './cases/attention.ts'
import { pagedConformance, pagedProblems } from './cases/attention-cache.ts'
import { exactQuantizedConformance, quantizedProblems } from './cases/attention-quantized.ts'
import { attentionGolden } from './cases/golden.ts'

const reference = createReferenceDevice()
let device: WebGpuDevice
beforeAll(async () => {
  device = await createWebGpuDevice({ gpu: await createTestGpu(), kernels: attentionWebgpu })
})
afterAll(() => device.dispose())

describe.for(['plain', 'flash', 'decode'] as const)('%s', (kernel) => {
  const takesPacked = kernel !== 'decode'
  const inPages = kernel === 'plain' ? [] : [...pagedConformance, ...exactQuantizedConformance]
  test.for([...attentionConformance, ...(takesPacked ? packedConformance : [crowdedConformance]), ...inPages])(
    'conforms: $name',
    (one) => one.run(device, reference, { kernel }),
  )
  test.for(attentionGolden.filter(({ name }) => takesPacked || !name.startsWith('varlen')))(
    'gives the golden of $name',
    (one) => one.run(device, reference, { kernel }),
  )
})

async function agree(
  problem: OpProblem<AttentionInputs, AttentionOptions>,
  first: string,
  second: string,
): Promise<void> {
  const inputs = uploadInputs(device, problem)
  const specs = Object.fromEntries(
    Object.entries(inputs).map(([name, tensor]) => [name, tensor && specOf(tensor)]),
  ) as InputSpecs<AttentionInputs>
  const bound = attentionOp.tolerance(describeProblem(attentionOp, specs, problem.options))
  // Each may be off by the bound on its own side of the truth.
  const tolerance = { atol: 2 * bound.atol, rtol: 2 * bound.rtol, nmse: 4 * bound.nmse }
  const outputsOf = (kernel: string): Readonly<Record<string, Tensor>> =>
    device.run(attentionOp, inputs, problem.options, { kernel })
  const [left, right] = [outputsOf(first), outputsOf(second)]
  for (const [name, tensor] of Object.entries(left)) {
    const comparison = compare(await valuesOf(tensor), await valuesOf(right[name] as Tensor), tolerance)
    expect(comparison.pass, `${name}: ${comparison.message}`).toBe(true)
  }
  for (const tensor of [...Object.values(inputs), ...Object.values(left), ...Object.values(right)]) tensor?.dispose()
}

test.for([...attentionProblems, ...packedProblems])('plain and flash agree: $name', (problem) =>
  agree(problem, 'plain', 'flash'),
)
test.for([...attentionProblems, ...pagedProblems, ...quantizedProblems])('decode and flash agree: $name', (problem) =>
  agree(problem, 'decode', 'flash'),
)
