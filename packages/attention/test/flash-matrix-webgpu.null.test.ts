import { describeProblem, type InputSpecs, type Problem, type Shape, specOf, type Tensor } from '@tessera-llm/tensor'
import {
  composePass,
  createWebGpuDevice,
  type SubgroupMatrixConfig,
  type WebGpuDevice,
  type WebGpuPass,
} from '@tessera-llm/webgpu'
import { createNullGpu } from '@tessera-tooling/swiftshader'
import {
  kernelWithMatrices,
  type MatrixGpu,
  ofF16,
  ofF32,
  ofNarrowF16,
  ofWideF16,
  withMatrices,
} from '@tessera-tooling/swiftshader/matrices'
import { afterAll, expect, test } from 'vitest'
import { type AttentionInputs, attentionOp, type AttentionOptions } from '../src/index.ts'
import { attentionWebgpu, flashMatrixWebgpu } from '../src/webgpu.ts'

const devices: WebGpuDevice[] = []
afterAll(() => Promise.all(devices.map((device) => device.dispose())))

/**
 * Dawn's null backend, which takes every configuration and computes nothing, as such a GPU. Of workgroup memory it has
 * 16 KiB.
 */
async function deviceWith(gpu: MatrixGpu): Promise<WebGpuDevice> {
  const kernels = attentionWebgpu.map((kernel) =>
    kernel === flashMatrixWebgpu ? kernelWithMatrices(kernel, gpu, false) : kernel,
  )
  const device = await createWebGpuDevice({ gpu: await createNullGpu(), kernels })
  devices.push(device)
  return device
}

interface Call {
  readonly rows?: number
  readonly headDim?: number
  readonly valueDim?: number
  readonly dtype?: 'f16' | 'f32'
  readonly side?: (make: (shape: Shape, dtype: 'f32' | 'i32' | 'u8') => Tensor) => Partial<AttentionInputs>
  readonly options?: AttentionOptions
}

const keys = 70
const inputsOf = (
  device: WebGpuDevice,
  { rows = 40, headDim = 64, valueDim = headDim, dtype = 'f16', side }: Call,
): AttentionInputs => ({
  q: device.empty([1, 2, rows, headDim], 'f32'),
  k: device.empty([1, 1, keys, headDim], dtype),
  v: device.empty([1, 1, keys, valueDim], dtype),
  ...side?.((shape, type) => device.empty(shape, type)),
})
const prepared = (device: WebGpuDevice, call: Call): Promise<number> =>
  device.webgpu.prepare(() =>
    device.run(attentionOp, inputsOf(device, call), call.options ?? { isCausal: true }, { kernel: 'flash-matrix' }),
  )
const explained = (device: WebGpuDevice, call: Call) =>
  device.explain(attentionOp, inputsOf(device, call), call.options ?? { isCausal: true })

const problemOf = (device: WebGpuDevice): Problem =>
  describeProblem(
    attentionOp,
    Object.fromEntries(
      Object.entries(inputsOf(device, {})).map(([name, tensor]) => [name, tensor && specOf(tensor)]),
    ) as InputSpecs<AttentionInputs>,
    {},
  )

const configs: readonly (readonly [string, SubgroupMatrixConfig])[] = [
  ['8 × 8 × 8 of f32', ofF32],
  ['16 × 16 × 16 of f16', ofF16],
  ['8 × 16 × 16 of f16', ofWideF16],
  ['16 × 8 × 16 of f16', ofNarrowF16],
  ['8 × 8 × 8 of f16', { ...ofF16, M: 8, N: 8, K: 8 }],
]

test.for(configs)('compiles for every head size and subgroup size: %s', async ([, config]) => {
  for (const width of [4, 32, 64, 128]) {
    const device = await deviceWith({ configs: [config], width })
    for (const headDim of [1, 33, 64, 80, 128, 256]) {
      for (const valueDim of [headDim, Math.min(headDim + 3, 256)])
        expect(await prepared(device, { headDim, valueDim })).toBe(1)
    }
  }
})

test.for(configs)('compiles with what a call may have: %s', async ([, config]) => {
  const side: readonly NonNullable<Call['side']>[] = [
    (make) => ({ sinks: make([2], 'f32'), alibiSlopes: make([2], 'f32') }),
    (make) => ({ bias: make([1, 2, 40, keys], 'f32'), mask: make([1, 1, 1, keys], 'u8') }),
    (make) => ({ cuSeqLens: make([3], 'i32'), cuSeqLensKv: make([3], 'i32') }),
    (make) => ({ kvLengths: make([1], 'i32'), mask: make([1, 2, 40, keys], 'u8') }),
  ]
  const device = await deviceWith({ configs: [config] })
  for (const one of side) {
    for (const options of [
      { isCausal: true, softcap: 20 },
      { windowLeft: 9, returnLse: false },
    ])
      expect(await prepared(device, { side: one, options })).toBe(1)
  }
})

test.for(configs)('takes no more memory than there is, and uses what it is given: %s', async ([, config]) => {
  const device = await deviceWith({ configs: [config] })
  const taken: number[] = []
  for (const memory of [16384, 24576, 32768, 49152]) {
    const [pass] = flashMatrixWebgpu.passes(
      problemOf(device),
      withMatrices(device.capabilities, { configs: [config], memory }),
    )
    const {
      webgpu: { device: gpu },
    } = device
    gpu.pushErrorScope('validation')
    const module = gpu.createShaderModule({ code: composePass(pass as WebGpuPass).source })
    expect((await module.getCompilationInfo()).messages.map(({ message }) => message)).toEqual([])
    expect((await gpu.popErrorScope())?.message).toBeUndefined()
    // The refusal names the workgroup memory that this device lacks.
    gpu.pushErrorScope('validation')
    gpu.createComputePipeline({ layout: 'auto', compute: { module, entryPoint: 'main' } })
    const refusal = (await gpu.popErrorScope())?.message
    const bytes = refusal === undefined ? 16384 : Number(/workgroup storage \((\d+) bytes\)/.exec(refusal)?.[1])
    expect(bytes).toBeLessThanOrEqual(memory)
    taken.push(bytes)
  }
  expect(taken).toEqual([...taken].sort((a, b) => a - b))
  expect(taken.at(-1)).toBeGreaterThan(16384)
})

test('it is chosen where matrices hold keys and values exactly and rows are many', async () => {
  const both = await deviceWith({ configs: [ofF32, ofF16] })
  expect(explained(both, {}).kernel).toBe('flash-matrix')
  expect(explained(both, { dtype: 'f32' }).kernel).toBe('flash-matrix')
  expect(explained(both, { rows: 15 }).kernel).toBe('flash')
  expect(explained(both, { rows: 1 }).kernel).toBe('decode')
  expect(explained(await deviceWith({ configs: [ofF32] }), {}).kernel).toBe('flash-matrix')
})

test.for<[string, readonly SubgroupMatrixConfig[], Call, RegExp]>([
  [
    'keys in f32 beside matrices of f16',
    [ofF16],
    { dtype: 'f32' },
    /only dense keys and values of f16 are exact in f16, and for others: this GPU multiplies no matrices of f32/,
  ],
  [
    'products that came out wrong',
    [{ ...ofF16, verified: 'a sum of products of known matrices is 3 instead of 4, in row 0 and column 0' }],
    {},
    /16 × 16 × 16 of f16, summed in f32: a sum of products of known matrices is 3 instead of 4/,
  ],
  [
    'sums in f16',
    [{ ...ofF16, resultComponentType: 'f16' }],
    {},
    /no matrices of f16 with sums in f32; it has 16 × 16 × 16 of f16, summed in f16/,
  ],
  ['large heads', [ofF16], { headDim: 320 }, /head sizes to 256; this call has 320/],
])('it steps aside for flash and says why: %s', async ([, given, call, reason]) => {
  const { kernel, candidates } = explained(await deviceWith({ configs: given }), call)
  expect(kernel).toBe('flash')
  expect(candidates.find((one) => one.kernel === 'flash-matrix')?.supported).toMatch(reason)
})

test('so it does on a GPU with little memory and without the feature', async () => {
  const reasonOn = (device: WebGpuDevice, call: Call = {}) =>
    explained(device, call).candidates.find((one) => one.kernel === 'flash-matrix')?.supported
  expect(reasonOn(await deviceWith({ configs: [ofF16], memory: 8192 }))).toMatch(
    /takes \d+ bytes of workgroup memory, this GPU has 8192/,
  )
  const plain = await createWebGpuDevice({ gpu: await createNullGpu(), kernels: attentionWebgpu, features: [] })
  devices.push(plain)
  expect(reasonOn(plain)).toBe('the device was made without the feature chromium-experimental-subgroup-matrix')
})
