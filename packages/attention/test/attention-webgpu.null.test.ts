import { createPackedTensor, type DType, type PackedTensor, type Shape, type Tensor } from '@tessera-llm/tensor'
import { createWebGpuDevice, type WebGpuDevice, type WebGpuKernel } from '@tessera-llm/webgpu'
import { createNullGpu } from '@tessera-tooling/swiftshader'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type AttentionInputs,
  attentionOp,
  type AttentionOptions,
  groupFormat,
  kvAppend,
  type KvFormat,
  kvStore,
  kvWords,
  ropeAppendOp,
  rowFormat,
} from '../src/index.ts'
import { attentionWebgpu } from '../src/webgpu.ts'
import { createBaseDevice } from './support/base-webgpu.ts'

let base: WebGpuDevice
beforeAll(async () => {
  base = await createBaseDevice()
})
afterAll(() => base.dispose())

test('the device has no more than the base limits', () => {
  expect(base.webgpu.device.limits.maxStorageBuffersPerShaderStage).toBe(8)
  expect(base.webgpu.device.limits.maxComputeWorkgroupStorageSize).toBe(16384)
})

type Side = Partial<Record<Exclude<keyof AttentionInputs, 'q' | 'k' | 'v'>, readonly [Shape, DType]>>
interface Variant {
  readonly heads?: number
  readonly kvHeads?: number
  readonly rows?: number
  readonly keys?: number
  readonly headDim?: number
  readonly valueDim?: number
  readonly keyDtype?: DType
  readonly valueDtype?: DType
  readonly side?: Side
  readonly options?: AttentionOptions
}

/**
 * Compiles the variant; false where the kernel says that the device has too few bindings, or that it takes no pages.
 */
async function compiles(
  kernel: string,
  {
    heads = 2,
    kvHeads = 1,
    rows = 3,
    keys = 70,
    headDim = 16,
    valueDim = headDim,
    keyDtype = 'f32',
    valueDtype = 'f32',
    side = {},
    options = {},
  }: Variant,
): Promise<boolean> {
  const made: Tensor[] = []
  const make = (shape: Shape, dtype: DType): Tensor => {
    const tensor = base.empty(shape, dtype)
    made.push(tensor)
    return tensor
  }
  const inputs: AttentionInputs = {
    q: make([1, heads, rows, headDim], 'f32'),
    k: make([1, kvHeads, keys, headDim], keyDtype),
    v: make([1, kvHeads, keys, valueDim], valueDtype),
    ...Object.fromEntries(Object.entries(side).map(([name, [shape, dtype]]) => [name, make(shape, dtype)])),
  }
  try {
    const explanation = base.explain(attentionOp, inputs, options, { kernel })
    if (explanation.kernel === undefined) {
      expect(explanation.reason).toMatch(
        /binds \d+ tensors for these options, this GPU takes 8|a block table sets no limit to keys/,
      )
      return false
    }
    expect(await base.webgpu.prepare(() => base.run(attentionOp, inputs, options, { kernel }))).toBeGreaterThan(0)
    return true
  } finally {
    for (const tensor of made) tensor.dispose()
  }
}

const kernels = ['plain', 'flash', 'decode'] as const

test.for(kernels)('%s compiles for every head size and storage, within the base limits', async (kernel) => {
  for (const headDim of [1, 8, 16, 33, 64, 80, 96, 128, 192, 256, 512]) {
    for (const [keyDtype, valueDtype] of [
      ['f32', 'f32'],
      ['f16', 'f16'],
      ['f16', 'f32'],
    ] as const) {
      for (const valueDim of [headDim, headDim + 3])
        expect(await compiles(kernel, { headDim, valueDim, keyDtype, valueDtype })).toBe(true)
    }
  }
})

const sidesOf = (keys: number): readonly (readonly [keyof Side, readonly [Shape, DType]])[] => [
  ['sinks', [[2], 'f32']],
  ['alibiSlopes', [[2], 'f32']],
  ['bias', [[1, 2, 3, keys], 'f32']],
  ['mask', [[1, 1, 1, keys], 'u8']],
]
const sequences: readonly Side[] = [
  {},
  { kvLengths: [[1], 'i32'] },
  { cuSeqLens: [[3], 'i32'], cuSeqLensKv: [[3], 'i32'] },
]

/** Bindings of the pass that has most of them. */
function bindingsOf(kernel: string, side: Side, isDivided: boolean, returnLse: boolean): number {
  const inputs = Object.keys(side).length
  if (kernel === 'plain') return 0
  // If the keys are divided, the reduction handles sinks and LSE.
  if (isDivided) return 5 + inputs - (side.sinks ? 1 : 0)
  return 4 + (returnLse ? 1 : 0) + inputs
}

test.for(kernels)(
  '%s compiles with every set of options that needs no more than 8 bindings; plain with every set',
  async (kernel) => {
    for (const sequence of kernel === 'decode' ? sequences.slice(0, 2) : sequences) {
      for (let set = 0; set < 16; set++) {
        for (const [softcap, returnLse] of [
          [undefined, true],
          [30, true],
          [undefined, false],
        ] as const) {
          // 70 keys are divided among workgroups in decode, 60 are not.
          for (const keys of [70, 60]) {
            const side: Side = {
              ...sequence,
              ...Object.fromEntries(sidesOf(keys).filter((_, bit) => (set >> bit) & 1)),
            }
            const fits = bindingsOf(kernel, side, kernel === 'decode' && keys === 70, returnLse) <= 8
            expect(await compiles(kernel, { side, keys, options: { softcap, returnLse, isCausal: true } })).toBe(fits)
          }
        }
      }
    }
  },
)

test('flash and decode compile over pages, and say so to plain', async () => {
  for (const dtype of ['f32', 'f16'] as const) {
    for (const headDim of [6, 64]) {
      const pages: Variant = {
        keys: 32,
        headDim,
        keyDtype: dtype,
        valueDtype: dtype,
        side: { blockTable: [[1, 9], 'i32'], kvLengths: [[1], 'i32'] },
        options: { isCausal: true, returnLse: false },
      }
      for (const kernel of ['flash', 'decode']) expect(await compiles(kernel, pages)).toBe(true)
      expect(await compiles('plain', pages)).toBe(false)
    }
  }
})

test('packed sequences of q alone compile', async () => {
  for (const kernel of ['plain', 'flash'])
    expect(await compiles(kernel, { rows: 70, side: { cuSeqLens: [[4], 'i32'] } })).toBe(true)
})

test('decode compiles for every size of a group, divided or not, within the base limits', async () => {
  for (const heads of [1, 3, 4, 7, 8, 9, 16, 20, 24, 28, 32, 33, 71, 128]) {
    for (const keys of [64, 2000]) {
      for (const headDim of [64, 256, 320])
        expect(await compiles('decode', { heads, rows: 1, keys, headDim })).toBe(true)
    }
  }
})

test('flash, plain and decode compile over packed keys and values, within the base limits, and so does kv-store', async () => {
  const pairs = [rowFormat('int8'), rowFormat('fp8')]
    .map((format) => [format, format])
    .concat(([2, 4, 8] as const).map((bits) => [groupFormat(bits, 'channel', 64), groupFormat(bits, 'token', 64)]))
  for (const [keys, values] of pairs as [KvFormat, KvFormat][]) {
    const shape = [1, 2, 130, 64]
    const make = (format: KvFormat): PackedTensor =>
      createPackedTensor(base, format, shape, { blocks: base.empty([kvWords(format.codes, shape)], 'u32') })
    const [k, v, kvLengths] = [make(keys), make(values), base.empty([1], 'i32')]
    for (const [kernel, rows] of [
      ['decode', 1],
      ['flash', 40],
      ['plain', 40],
    ] as const) {
      const q = base.empty([1, 4, rows, 64], 'f32')
      expect(
        await base.webgpu.prepare(() => base.run(attentionOp, { q, k, v, kvLengths }, { isCausal: true }, { kernel })),
      ).toBeGreaterThan(0)
      q.dispose()
    }
    const x = base.empty([1, 3, 2, 64], 'f32')
    for (const cache of [k, v]) expect(await base.webgpu.prepare(() => kvStore(cache, x, kvLengths))).toBeGreaterThan(0)
    for (const tensor of [k, v, kvLengths, x]) tensor.dispose()
  }
})

test('kv-append compiles for both storages', async () => {
  for (const dtype of ['f32', 'f16'] as const) {
    const [cache, x, positions] = [
      base.empty([1, 2, 9, 6], dtype),
      base.empty([1, 3, 2, 6], 'f32'),
      base.empty([1], 'i32'),
    ] as const
    expect(await base.webgpu.prepare(() => kvAppend(cache, x, positions))).toBe(1)
  }
})

test('rope-append takes one dispatch where a GPU binds enough buffers, two where it does not, or says so', async () => {
  const inputs = {
    q: base.empty([1, 2, 4, 16], 'f32'),
    k: base.empty([1, 2, 2, 16], 'f32'),
    v: base.empty([1, 2, 2, 16], 'f32'),
    cos: base.empty([9, 8], 'f32'),
    sin: base.empty([9, 8], 'f32'),
    positions: base.empty([1, 2], 'i32'),
    keys: base.empty([1, 2, 8, 16], 'f16'),
    values: base.empty([1, 2, 8, 16], 'f16'),
  }
  const norm = base.empty([16], 'f32')
  const blockTable = base.empty([1, 1], 'i32')
  const dispatches = (more: object = {}) =>
    base.webgpu.prepare(() => base.run(ropeAppendOp, { ...inputs, ...more }, { style: 'neox', eps: 1e-5 }))
  expect(await dispatches()).toBe(1)
  expect(await dispatches({ queryNorm: norm, keyNorm: norm })).toBe(2)
  expect(await dispatches({ queryNorm: norm, blockTable })).toBe(2)
  expect(
    base.explain(ropeAppendOp, { ...inputs, keyNorm: norm, blockTable }, { style: 'gptj', eps: 1e-5 }).reason,
  ).toContain('binds 9 buffers at once, this GPU allows 8')
})

test.for([4, 64])('decode and flash compile with subgroups of %i lanes or more', async (subgroupMinSize) => {
  const kernels = attentionWebgpu.map(
    (kernel): WebGpuKernel => ({
      ...kernel,
      passes: (problem, capabilities) => kernel.passes(problem, { ...capabilities, subgroupMinSize }),
    }),
  )
  const device = await createWebGpuDevice({ gpu: await createNullGpu(), kernels })
  expect(device.capabilities.features).toContain('subgroups')
  for (const [heads, rows, headDim] of [
    [1, 1, 64],
    [9, 1, 64],
    [4, 4, 80],
    [32, 1, 256],
  ] as const) {
    for (const keys of [70, 5000]) {
      const inputs = {
        q: device.empty([1, heads, rows, headDim], 'f32'),
        k: device.empty([1, 1, keys, headDim], 'f16'),
        v: device.empty([1, 1, keys, headDim], 'f16'),
      }
      for (const kernel of ['decode', 'flash'])
        expect(
          await device.webgpu.prepare(() => device.run(attentionOp, inputs, { isCausal: true }, { kernel })),
        ).toBeGreaterThan(0)
    }
  }
  await device.dispose()
})
