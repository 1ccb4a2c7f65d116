import { embeddingOp, gatedLinearOp, type LinearInputs, linearOp, qkvLinearOp } from '@tessera-llm/kernels'
import { createNullGpu } from '@tessera-tooling/swiftshader'
import { kernelWithMatrices, ofF32 } from '@tessera-tooling/swiftshader/matrices'
import { createWebGpuDevice, type WebGpuDevice } from '@tessera-llm/webgpu'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { gridWeight, randomMatrix, tableGrids, wholeGrids } from '../test/problems/index.ts'
import { specialisedFor } from '../test/specialised.ts'
import { gridPacker, joinParts, packMatrix, rawPackers } from './index.ts'
import { blockReaders, quantizationWebgpu } from './webgpu.ts'

const packers = rawPackers('webgpu')
let gpu: GPU
let device: WebGpuDevice
let hardware: WebGpuDevice
let subgroups: WebGpuDevice
beforeAll(async () => {
  gpu = await createNullGpu()
  // Nothing optional: what every WebGPU implementation has must do.
  device = await createWebGpuDevice({ gpu, kernels: specialisedFor('software', quantizationWebgpu), features: [] })
  hardware = await createWebGpuDevice({ gpu, kernels: specialisedFor('hardware', quantizationWebgpu), features: [] })
  subgroups = await createWebGpuDevice({
    gpu,
    kernels: specialisedFor('hardware', quantizationWebgpu, { subgroupMinSize: 4 }),
  })
})
afterAll(() => Promise.all([device, hardware, subgroups].map((made) => made.dispose())))

const weightOf = (format: (typeof packers)[number]['format'], shape: readonly number[], on: WebGpuDevice = device) =>
  on.pack(
    format,
    shape,
    Object.fromEntries(
      Object.entries(format.parts(shape)).map(([name, part]) => [
        name,
        new Uint8Array((part.shape[0] ?? 0) * (part.shape[1] ?? 0)),
      ]),
    ),
  )

it('a packer for WebGPU offers what a reader reads, and nothing else', () => {
  expect(packers.map(({ source }) => source)).toEqual(blockReaders.map(({ name }) => name))
})

it.for(packers)('linear and embedding on $source compile in every size of tile and row', async ({ source, format }) => {
  // Rows of few and many groups: each number of lanes that share a row.
  for (const columns of [256, 512, 768, 2048]) {
    for (const tokens of [1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 33]) {
      for (const kernel of tokens <= 8 ? [`gemv-${source}`, `tiled-${source}`] : [`tiled-${source}`]) {
        for (const activations of ['f32', 'int8'] as const) {
          const inputs: LinearInputs = {
            x: device.empty([tokens, columns], 'f32'),
            weight: weightOf(format, [5, columns]),
          }
          const launches = await device.webgpu.prepare(() => device.run(linearOp, inputs, { activations }, { kernel }))
          expect(launches).toBe(activations === 'int8' ? 2 : 1)
          inputs.x.dispose()
          inputs.weight.dispose()
        }
      }
    }
  }
  const ids = device.empty([3], 'i32')
  const table = weightOf(format, [5, 256])
  expect(await device.webgpu.prepare(() => device.run(embeddingOp, { ids, weight: table }, {}))).toBe(1)
})

it.for(packers)('products of $source with rounded inputs compile as integers', async ({ source, format }) => {
  if (source === 'tq1_0')
    return void expect(
      device.explain(
        linearOp,
        { x: device.empty([1, 256], 'f32'), weight: weightOf(format, [5, 256]) },
        { activations: 'int8' },
      ).kernel,
    ).toBe('gemv-tq1_0')
  const weight = weightOf(format, [5, 256])
  for (const tokens of [1, 2, 9, 17, 33]) {
    const x = device.empty([tokens, 256], 'f32')
    for (const options of [
      { activations: 'int8' },
      { activations: 'int8-token' },
      { activations: 'int8-static', inputScale: 0.02 },
      { activations: 'int4-token' },
    ] as const) {
      for (const kernel of tokens === 1 ? ['gemv-dot', 'tiled-dot'] : ['tiled-dot'])
        expect(
          await device.webgpu.prepare(() =>
            device.run(linearOp, { x, weight }, options, { kernel: `${kernel}-${source}` }),
          ),
        ).toBe(2)
    }
    expect(device.explain(linearOp, { x, weight }, { activations: 'int8' }).kernel).toBe(
      `${tokens === 1 ? 'gemv' : 'tiled'}-dot-${source}`,
    )
  }
})

it.for(packers)('one token by $source compiles for hardware with one, two and four rows a lane', async ({ format }) => {
  for (const [rows, columns] of [
    [5, 256],
    [5, 768],
    [5, 2048],
    [16_385, 256],
    [32_769, 256],
  ] as const) {
    const weight = weightOf(format, [rows, columns], hardware)
    expect(
      await hardware.webgpu.prepare(() =>
        hardware.run(
          linearOp,
          { x: hardware.empty([1, columns], 'f32'), weight, bias: undefined, residual: undefined },
          {},
        ),
      ),
    ).toBe(1)
    weight.dispose()
  }
})

it.for(packers)(
  'fused projections by $source compile, and one token with and without subgroups',
  async ({ format }) => {
    for (const on of [hardware, subgroups]) {
      const [weight, x, norm] = [weightOf(format, [5, 256], on), on.empty([1, 256], 'f32'), on.empty([256], 'f32')]
      for (const rounding of [
        { activations: 'f32' },
        { activations: 'int8' },
        { activations: 'int8-static', inputScale: 0.02 },
      ] as const) {
        const launches = rounding.activations === 'f32' ? 1 : 2
        expect(
          await on.webgpu.prepare(() =>
            on.run(qkvLinearOp, { x, norm, query: weight, key: weight, value: weight }, { eps: 1e-5, ...rounding }),
          ),
        ).toBe(launches)
        expect(
          await on.webgpu.prepare(() =>
            on.run(gatedLinearOp, { x, norm, gate: weight, up: weight }, { kind: 'silu', eps: 1e-5, ...rounding }),
          ),
        ).toBe(launches)
        expect(await on.webgpu.prepare(() => on.run(linearOp, { x, weight }, rounding))).toBe(launches)
      }
    }
  },
)

it.for(
  [...wholeGrids, ...tableGrids].map(
    (grid) => [`${grid.kind === 'integer' ? grid.bits : grid.id}, ${grid.group}, ${grid.scaleType}`, grid] as const,
  ),
)('linear and embedding on the grid %s compile', async ([, grid]) => {
  for (const columns of [64, 83]) {
    const weight = gridWeight(grid, 5, columns)(device)
    for (const tokens of [1, 4, 33]) {
      const x = device.empty([tokens, columns], 'f32')
      for (const kernel of tokens <= 8 ? ['gemv-grid', 'tiled-grid'] : ['tiled-grid'])
        expect(await device.webgpu.prepare(() => device.run(linearOp, { x, weight }, {}, { kernel }))).toBe(1)
    }
    expect(
      await device.webgpu.prepare(() => device.run(embeddingOp, { ids: device.empty([3], 'i32'), weight }, {})),
    ).toBe(1)
    // As integers where codes are that, and groups are not too short.
    const isInteger = (grid.kind === 'integer' || grid.id === 'fp4_e2m1') && grid.group !== 8
    for (const tokens of [1, 33]) {
      const inputs = { x: device.empty([tokens, columns], 'f32'), weight }
      expect(device.explain(linearOp, inputs, { activations: 'int8' }).kernel).toBe(
        `${tokens === 1 ? 'gemv' : 'tiled'}${isInteger ? '-dot' : ''}-grid`,
      )
      expect(await device.webgpu.prepare(() => device.run(linearOp, inputs, { activations: 'int8' }))).toBe(2)
    }
  }
})

it('says which grids it does not read', () => {
  const reasonOf = (grid: (typeof wholeGrids)[number], isOrdered = false): string => {
    const { format, parts } = packMatrix({
      ...randomMatrix(grid, 2, 48),
      ...(isOrdered && { groupOfColumn: Int32Array.from({ length: 48 }, (_, k) => k % 2) }),
    })
    const packer = gridPacker(format, 'webgpu')
    const weight = device.pack(packer.format, [2, 48], packer.pack(joinParts(format, parts, [2, 48]), [2, 48]))
    return device.explain(linearOp, { x: device.empty([1, 48], 'f32'), weight }, {}).reason
  }
  const integers = { kind: 'integer', bits: 4, group: 24, isSymmetric: true, scaleType: 'f32' } as const
  expect(reasonOf({ ...integers, group: 12 })).toContain('reads groups of a multiple of 8 columns, not of 12')
  expect(reasonOf(integers, true)).toContain('columns of int4/g24/f32/order name their groups')
  expect(
    reasonOf({
      kind: 'codebook',
      id: 'own',
      values: Float32Array.from({ length: 17 }, (_, i) => i),
      group: 24,
      scaleType: 'f32',
    }),
  ).toContain('has no table of 17 values')
})

it('linear on every block type compiles over matrices of f32, which hold all weights exactly', async () => {
  const matrices = await createWebGpuDevice({
    gpu,
    kernels: quantizationWebgpu.map((kernel) =>
      kernel.name.startsWith('matrix-') ? kernelWithMatrices(kernel, { configs: [ofF32] }, false) : kernel,
    ),
  })
  const x = matrices.empty([20, 256], 'f32')
  for (const { source, format } of packers) {
    const weight = weightOf(format, [5, 256], matrices)
    expect(
      await matrices.webgpu.prepare(() => matrices.run(linearOp, { x, weight }, {}, { kernel: `matrix-${source}` })),
    ).toBe(1)
    expect(matrices.explain(linearOp, { x, weight }, {}).kernel).toBe(`matrix-${source}`)
    expect(
      matrices.explain(linearOp, { x, weight }, { activations: 'int8' }, { kernel: `matrix-${source}` }).reason,
    ).toContain('multiplies activations in f32, and these are rounded')
  }
  await matrices.dispose()
})
