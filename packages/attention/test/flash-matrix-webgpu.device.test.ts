import { createReferenceDevice, encodeElements } from '@tessera-llm/tensor'
import {
  conformanceCase,
  type DeviceCase,
  type HostValue,
  normal,
  type OpProblem,
  type ProblemInput,
} from '@tessera-llm/testing'
import { createWebGpuDevice, type WebGpuDevice } from '@tessera-llm/webgpu'
import { createTestGpu } from '@tessera-tooling/swiftshader'
import {
  kernelWithMatrices,
  type MatrixGpu,
  ofF16,
  ofF32,
  ofNarrowF16,
  ofWideF16,
} from '@tessera-tooling/swiftshader/matrices'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { type AttentionInputs, type AttentionOptions, attentionOp } from '../src/index.ts'
import { flashMatrixWebgpu } from '../src/webgpu.ts'
import { attentionProblems, packedProblems } from './cases/attention.ts'
import { pagedProblems } from './cases/attention-cache.ts'
import { problem } from './cases/attention-problem.ts'
import { exactQuantizedConformance } from './cases/attention-quantized.ts'
import { attentionGolden } from './cases/golden.ts'

// All of the kernel but the functions of packages/webgpu/src/matrix/matrices.wgsl, which no GPU of these tests has,
// runs here over others that do the same.
const reference = createReferenceDevice()

type Problem = OpProblem<AttentionInputs, AttentionOptions>
const problems = new Map([...attentionProblems, ...packedProblems, ...pagedProblems].map((one) => [one.name, one]))

function conforms(gpu: MatrixGpu, cases: readonly DeviceCase[]): void {
  let device: WebGpuDevice
  beforeAll(async () => {
    device = await createWebGpuDevice({
      gpu: await createTestGpu(),
      kernels: [kernelWithMatrices(flashMatrixWebgpu, gpu, true)],
    })
  })
  afterAll(() => device.dispose())
  test.for(cases)('$name', (one) => one.run(device, reference, { kernel: 'flash-matrix' }))
}

const named = (...names: readonly string[]): readonly Problem[] =>
  names.map((name) => {
    const found = problems.get(name)
    if (!found) throw new Error(`no problem is named ${name}`)
    return found
  })

const caseOf = (one: Problem): DeviceCase => conformanceCase(attentionOp, one)

/** With keys and values in f16: what matrices of f16 are for. The bound stays that of f32. */
function inHalf(one: Problem): Problem {
  const halved = (input: ProblemInput): ProblemInput => {
    if (typeof input === 'function' || input.dtype === 'f16') return input
    const value: HostValue = {
      dtype: 'f16',
      shape: input.shape,
      data: encodeElements(Float64Array.from(input.data as Float32Array), 'f16'),
    }
    return value
  }
  return { ...one, inputs: { ...one.inputs, k: halved(one.inputs.k), v: halved(one.inputs.v) } }
}

/** Queries that f16 does not hold, and a scale that brings the scores back. */
function scaledQueries(factor: number): Problem {
  const base = problem(
    `queries of ${factor}`,
    { heads: 2, rows: 20, keys: 40, headDim: 32 },
    { isCausal: true, scale: 0.2 / factor },
  )
  return { ...base, inputs: { ...base.inputs, q: normal([1, 2, 20, 32], { seed: 11, scale: factor }) } }
}

const goldens = [
  'mqa_d256_causal',
  'tile_edge_129_d32',
  'prefill_chunk_7x40',
  'window_16_chunk_9x50',
  'sinks_fully_masked_rows',
  'softcap_30_window_6',
  'alibi_4_bidirectional',
  'padding_left_causal',
  'mask_random_dead_rows',
  'varlen_gqa_offset',
]

describe('matrices of f32, emulated: gives the golden of', () =>
  conforms(
    { configs: [ofF32] },
    attentionGolden.filter(({ name }) => goldens.includes(name)),
  ))

describe('matrices of f32, emulated: conforms', () =>
  conforms({ configs: [ofF32] }, [
    ...named(
      'everything at once',
      'a mask over padding that holds NaN',
      'a bias over padding that holds NaN',
      'no key',
      'values wider than keys',
      'head size 67, read by the element',
    ).map(caseOf),
    ...exactQuantizedConformance.filter(({ name }) => name.startsWith('append, kv-int8, ')),
  ]))

describe('matrices of f16, emulated: conforms', () =>
  conforms(
    { configs: [ofF16] },
    [
      ...named(
        'MHA, cold causal prefill of 70',
        'keys in f16',
        'more rows than keys',
        'values wider than keys',
        'head size 256',
        'head size 7 in f16',
        'sinks, some of them absent',
        'softcap far beyond its range',
        'a negative scale',
        'scores of a thousand',
        'a mask over padding that holds NaN',
        'mask per head and pair, with dead rows',
        'packed rows over longer keys',
        'append to a ring of f16',
      ),
      scaledQueries(1e7),
      scaledQueries(1e-7),
    ]
      .map(inHalf)
      .map(caseOf),
  ))

describe.for([16, 128])('matrices of f32 in subgroups of %i, emulated: conforms', (width) =>
  conforms({ configs: [ofF32], width }, named('causal window of 10').map(caseOf)),
)

describe.for([
  ['8 × 16 × 16', ofWideF16],
  ['16 × 8 × 16', ofNarrowF16],
] as const)('%s of f16, emulated: conforms', ([, config]) =>
  conforms({ configs: [config], width: 16 }, named('MHA, cold causal prefill of 70').map(inHalf).map(caseOf)),
)

describe.for([
  ['f32', ofF32],
  ['f16', ofF16],
] as const)('matrices of %s in 16 KiB, emulated: conforms', ([, config]) =>
  conforms(
    { configs: [config], memory: 16384 },
    named('MHA, cold causal prefill of 70', 'values wider than keys').map(inHalf).map(caseOf),
  ),
)
