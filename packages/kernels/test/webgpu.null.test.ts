import type { Device, DType, Tensor } from '@tessera-llm/tensor'
import { createNullGpu } from '@tessera-tooling/swiftshader'
import { createWebGpuDevice, type WebGpuDevice } from '@tessera-llm/webgpu'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  activation,
  activationKinds,
  add,
  addRmsNorm,
  argmax,
  crossEntropy,
  embedding,
  gatedActivation,
  gatedLinear,
  hadamard,
  layerNorm,
  linear,
  linearOp,
  logSoftmax,
  matmul,
  multiply,
  qkvLinear,
  qkvLinearOp,
  rmsNorm,
  rope,
  scale,
  softmax,
  topK,
} from '../src/index.ts'
import { kernelsWebgpu } from '../src/webgpu.ts'
import { minimalAdapter } from './minimal-adapter.ts'
import { specialisedFor } from './specialised.ts'

let gpu: GPU
let device: WebGpuDevice
beforeAll(async () => {
  gpu = await createNullGpu()
  device = await createWebGpuDevice({ gpu, adapter: await minimalAdapter(gpu), kernels: kernelsWebgpu })
})
afterAll(() => device.dispose())

type Variant = readonly [name: string, run: (make: (shape: readonly number[], dtype?: DType) => Tensor) => unknown]
const floats = ['f32', 'f16', 'bf16'] as const
const both = [false, true] as const
// Each width makes rows shorter or longer than a lane, a workgroup or a vector takes.
const widths = [6, 64, 600, 5000] as const

const variants: readonly Variant[] = [
  ...floats.flatMap((dtype) =>
    [33, 64].map(
      (width): Variant => [
        `embedding ${dtype} ${width}`,
        (make) => embedding(make([2], 'i32'), make([9, width], dtype)),
      ],
    ),
  ),
  ...floats.flatMap((dtype) =>
    [6, 64, 128, 256, 512, 1024, 33, 1001].flatMap((columns) =>
      [1, 4, 8, 9, 16, 32, 64].map(
        (tokens): Variant => [
          `linear ${dtype} ${tokens} × ${columns}`,
          (make) => linear(make([tokens, columns]), make([7, columns], dtype)),
        ],
      ),
    ),
  ),
  ...both.flatMap((hasBias) =>
    both.flatMap((hasResidual) =>
      [2, 20].map(
        (tokens): Variant => [
          `linear ${tokens}, bias ${hasBias}, residual ${hasResidual}, int8 activations`,
          (make) =>
            linear(make([tokens, 40]), make([7, 40]), {
              bias: hasBias ? make([7]) : undefined,
              residual: hasResidual ? make([tokens, 7]) : undefined,
              activations: 'int8',
            }),
        ],
      ),
    ),
  ),
  ...floats.flatMap((a) =>
    floats.flatMap((b) =>
      both.map(
        (transposeB): Variant => [
          `matmul ${a} ${b} ${transposeB}`,
          (make) => matmul(make([2, 5, 4], a), make([4, 4], b), { transposeB, transposeA: false }),
        ],
      ),
    ),
  ),
  ...floats.flatMap((dtype) =>
    both.flatMap((hasNorm) =>
      [64, 33].flatMap((columns): readonly Variant[] => [
        [
          `qkv-linear ${dtype} ${columns} ${hasNorm}`,
          (make) =>
            qkvLinear(
              {
                x: make([1, columns]),
                norm: hasNorm ? make([columns]) : undefined,
                query: make([7, columns], dtype),
                key: make([5, columns], dtype),
                value: make([5, columns]),
              },
              { eps: 1e-5, unitOffset: hasNorm },
            ),
        ],
        [
          `gated-linear ${dtype} ${columns} ${hasNorm}`,
          (make) =>
            gatedLinear(
              {
                x: make([1, columns]),
                norm: hasNorm ? make([columns]) : undefined,
                gate: make([7, columns], dtype),
                up: make([7, columns], dtype),
              },
              { eps: 1e-5, kind: 'silu' },
            ),
        ],
      ]),
    ),
  ),
  ...activationKinds.flatMap((kind) =>
    [5, 8].flatMap((size): readonly Variant[] => [
      [`activation ${kind} ${size}`, (make) => activation(make([size]), { kind })],
      [`gated-activation ${kind} ${size}`, (make) => gatedActivation(make([size]), make([size]), { kind })],
    ]),
  ),
  ...[5, 8].flatMap((size): readonly Variant[] => [
    [`add ${size}`, (make) => add(make([2, size]), make([size]))],
    [`multiply ${size}`, (make) => multiply(make([2, size]), make([size]))],
    [`scale ${size}`, (make) => scale(make([size]), { factor: 2 })],
  ]),
  ...(['neox', 'gptj'] as const).map(
    (style): Variant => [
      `rope ${style}`,
      (make) => rope(make([1, 2, 3, 8]), make([9, 3]), make([9, 3]), make([1, 2], 'i32'), { style }),
    ],
  ),
  ...[1, 2, 64, 512, 4096].map(
    (block): Variant => [`hadamard ${block}`, (make) => hadamard(make([3, 2 * block]), { block })],
  ),
  ...widths.flatMap((width): readonly Variant[] => [
    [`argmax ${width}`, (make) => argmax(make([3, width]))],
    [`top-k ${width}`, (make) => topK(make([3, width]), { k: 4 })],
    [`softmax ${width}`, (make) => softmax(make([3, width]))],
    [`log-softmax ${width}`, (make) => logSoftmax(make([3, width]))],
    [`cross-entropy ${width}`, (make) => crossEntropy(make([3, width]), make([3], 'i32'))],
    ...both.flatMap((hasWeight): readonly Variant[] => [
      ...both.map(
        (unitOffset): Variant => [
          `rms-norm ${width} ${hasWeight} ${unitOffset}`,
          (make) => rmsNorm(make([3, width]), hasWeight ? make([width]) : undefined, { eps: 1e-5, unitOffset }),
        ],
      ),
      [
        `rms-norm ${width} ${hasWeight} with residual`,
        (make) =>
          rmsNorm(make([3, width]), hasWeight ? make([width]) : undefined, { eps: 1e-5, residual: make([3, width]) }),
      ],
      [
        `add-rms-norm ${width} ${hasWeight}`,
        (make) => addRmsNorm(make([3, width]), make([3, width]), hasWeight ? make([width]) : undefined, { eps: 1e-5 }),
      ],
      ...both.map(
        (hasBias): Variant => [
          `layer-norm ${width} ${hasWeight} ${hasBias}`,
          (make) =>
            layerNorm(make([3, width]), hasWeight ? make([width]) : undefined, hasBias ? make([width]) : undefined, {
              eps: 1e-5,
            }),
        ],
      ),
    ]),
  ]),
]

const maker =
  (on: Device) =>
  (shape: readonly number[], dtype: DType = 'f32') =>
    on.empty(shape, dtype)

it('the device has no more than what every implementation has', () => {
  expect(device.capabilities.limits).toMatchObject({
    maxComputeWorkgroupStorageSize: 16_384,
    maxComputeInvocationsPerWorkgroup: 256,
    maxStorageBuffersPerShaderStage: 8,
  })
  expect(device.capabilities.features.filter((feature) => feature !== 'core-features-and-limits')).toEqual([])
})

it.for(variants)('%s compiles', async ([, run]) => {
  expect(await device.webgpu.prepare(() => run(maker(device)))).toBeGreaterThan(0)
})

it('with subgroups everything compiles too, for whatever sizes they may have', async () => {
  const all = await createWebGpuDevice({ gpu, kernels: kernelsWebgpu })
  expect(all.capabilities.features).toContain('subgroups')
  for (const subgroupMinSize of [4, 64]) {
    const other = await createWebGpuDevice({
      gpu,
      kernels: specialisedFor('hardware', kernelsWebgpu, { subgroupMinSize }),
    })
    for (const [, run] of variants.filter(([name]) => /norm|softmax|cross|linear/.test(name)))
      expect(await other.webgpu.prepare(() => run(maker(other)))).toBeGreaterThan(0)
    await other.dispose()
  }
  await all.dispose()
})

it('rows of every number of lanes, one, two and four of them a lane, compile', async () => {
  for (const [rows, columns] of [
    [7, 33],
    [7, 64],
    [7, 128],
    [7, 256],
    [7, 512],
    [70_000, 8],
    [16_385, 64],
    [32_770, 64],
  ] as const) {
    for (const adapter of ['software', 'hardware'] as const) {
      const other = await createWebGpuDevice({ gpu, kernels: specialisedFor(adapter, kernelsWebgpu), features: [] })
      expect(
        await other.webgpu.prepare(() => linear(other.empty([1, columns], 'f32'), other.empty([rows, columns], 'f16'))),
      ).toBe(1)
      await other.dispose()
    }
  }
})

it('three projections with three biases take more bindings than every GPU has', () => {
  const make = maker(device)
  const bias = make([4])
  const inputs = {
    x: make([1, 8]),
    query: make([4, 8]),
    key: make([4, 8]),
    value: make([4, 8]),
    queryBias: bias,
    keyBias: bias,
    valueBias: bias,
  }
  expect(device.explain(qkvLinearOp, inputs, {}).reason).toContain('binds 10 buffers at once, this GPU allows 8')
  expect(device.explain(qkvLinearOp, { ...inputs, x: make([2, 8]) }, {}).reason).toContain('takes one token, not 2')
})

it('every kernel of linear compiles where another one would be chosen', async () => {
  for (const dtype of floats) {
    for (const tokens of [1, 8]) {
      const run = (make: ReturnType<typeof maker>) =>
        device.run(
          linearOp,
          { x: make([tokens, 64]), weight: make([9, 64], dtype), bias: undefined, residual: undefined },
          {},
          { kernel: `tiled-${dtype}` },
        )
      expect(await device.webgpu.prepare(() => run(maker(device)))).toBe(1)
    }
  }
})

it('every kernel takes part', () => {
  expect(new Set(kernelsWebgpu.map(({ op, name }) => `${op}/${name}`)).size).toBe(kernelsWebgpu.length)
  const ops = new Set(variants.map(([name]) => name.split(' ')[0]))
  for (const { op } of kernelsWebgpu) expect(ops).toContain(op)
})
