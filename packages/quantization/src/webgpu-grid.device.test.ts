import { embeddingOp, gatedLinearOp, linearOp } from '@tessera-llm/kernels'
import { createReferenceDevice } from '@tessera-llm/tensor'
import { conform, normal } from '@tessera-llm/testing'
import { createTestGpu } from '@tessera-tooling/swiftshader'
import { createWebGpuDevice, type WebGpuDevice } from '@tessera-llm/webgpu'
import { afterAll, beforeAll, expect, it } from 'vitest'
import {
  gridEmbeddingProblems,
  gridLinearProblems,
  gridWeight,
  tableGrids,
  wholeGrids,
} from '../test/problems/index.ts'
import { quantizationWebgpu } from './webgpu.ts'

const reference = createReferenceDevice()
let device: WebGpuDevice
beforeAll(async () => {
  device = await createWebGpuDevice({ gpu: await createTestGpu(), kernels: quantizationWebgpu })
})
afterAll(() => device.dispose())

const all = [...wholeGrids, ...tableGrids].map(
  (grid) =>
    [
      `${grid.kind === 'integer' ? `${grid.bits} bits${grid.isSymmetric ? '' : ' with zeros'}` : grid.id}, ${grid.group}, ${grid.scaleType}`,
      grid,
    ] as const,
)

it.for(all)('linear and embedding on %s', async ([, grid]) => {
  // One token and rows of 80, six and rows that end within a byte, tiles; with rounded inputs one token, and rows that
  // end within a byte.
  const problems = gridLinearProblems(grid).filter(({ name }) => /^f32, (1 × 80|6|131)|^int8, (1 × 80|6)/.test(name))
  expect(problems).toHaveLength(5)
  const reports = await conform(device, reference, linearOp, problems)
  const isInteger = (grid.kind === 'integer' || grid.id === 'fp4_e2m1') && grid.group !== 8
  expect(reports.map(({ kernel }) => kernel)).toEqual([
    'gemv-grid',
    isInteger ? 'gemv-dot-grid' : 'gemv-grid',
    'gemv-grid',
    isInteger ? 'tiled-dot-grid' : 'gemv-grid',
    'tiled-grid',
  ])
  await conform(device, reference, embeddingOp, gridEmbeddingProblems(grid))
})

it('two grids in one call', async () => {
  const [[, integers], [, table]] = [all[3], all.at(-1)] as [(typeof all)[number], (typeof all)[number]]
  const inputs = {
    x: normal([1, 80], { scale: 0.2 }),
    norm: normal([80], { seed: 2 }),
    gate: gridWeight(integers, 9, 80),
    up: gridWeight(table, 9, 80),
  }
  await conform(
    device,
    reference,
    gatedLinearOp,
    [{ name: 'integers and a table', inputs, options: { kind: 'silu', eps: 1e-5, activations: 'int8' } }],
    { kernel: 'gemv-packed' },
  )
})
