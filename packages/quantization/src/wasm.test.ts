import { embeddingOp, linearOp } from '@tessera-llm/kernels'
import { createReferenceDevice } from '@tessera-llm/tensor'
import { conform, normal, wasmSetups } from '@tessera-llm/testing'
import { createWasmDevice, type WasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  extremeLinearProblems,
  gridEmbeddingProblems,
  gridLinearProblems,
  grids,
  gridWeight,
  packedEmbeddingProblems,
  packedLinearProblems,
  packRows8Problems,
} from '../test/problems/index.ts'
import { ggmlPackers, type Grid, gridFormat, packRows8Op, rows8Packers } from './index.ts'
import { quantizationWasm } from './wasm.ts'

const reference = createReferenceDevice()

describe.each(wasmSetups)('$threads threads, relaxed SIMD $relaxedSimd', ({ threads, relaxedSimd }) => {
  let device: WasmDevice
  beforeAll(async () => {
    device = await createWasmDevice({ kernels: quantizationWasm, threads, relaxedSimd })
  })
  afterAll(() => device.dispose())

  it.each(rows8Packers.map(({ source }) => source))(
    'linear on %s',
    async (source) => void (await conform(device, reference, linearOp, packedLinearProblems(source, ggmlPackers))),
  )
  it.each(['q4_0', 'q5_0', 'q6_k', 'mxfp4', 'nvfp4'])(
    'largest sums of %s',
    async (source) => void (await conform(device, reference, linearOp, extremeLinearProblems(source, ggmlPackers))),
  )
  it.each(rows8Packers.map(({ source }) => source))(
    'embedding on %s',
    async (source) =>
      void (await conform(device, reference, embeddingOp, packedEmbeddingProblems(source, ggmlPackers))),
  )
  it.each(rows8Packers.filter(({ onDevice }) => onDevice).map(({ source }) => source))(
    'packing of %s',
    async (source) => void (await conform(device, reference, packRows8Op, packRows8Problems(source))),
  )
  const named = grids.map((grid) => [gridFormat(grid).id, grid] as const)
  it.each(named)(
    'linear on %s',
    async (_, grid) => void (await conform(device, reference, linearOp, gridLinearProblems(grid, true))),
  )
  it.each(named)(
    'embedding on %s',
    async (_, grid) => void (await conform(device, reference, embeddingOp, gridEmbeddingProblems(grid, true))),
  )
})

const int8Rows: Grid = { kind: 'integer', bits: 8, group: 'row', isSymmetric: true, scaleType: 'f32' }

it('several tokens of W8A8 take the kernel that sums over whole rows, one token and other scales do not', async () => {
  const device = await createWasmDevice({ kernels: quantizationWasm, threads: 1 })
  const byRow = gridLinearProblems(int8Rows).filter(({ options }) => options.activations === 'int8-token')
  expect((await conform(device, reference, linearOp, byRow)).map(({ kernel }) => kernel)).toEqual([
    'rows8-int8',
    'rows8-int8',
    'rows8-w8a8',
    'rows8-w8a8',
    'rows8-w8a8',
  ])
  const others = gridLinearProblems(int8Rows).filter(
    ({ options }) => options.activations === 'int8-static' || options.activations === 'int4-token',
  )
  expect((await conform(device, reference, linearOp, others)).map(({ kernel }) => kernel)).toEqual([
    'rows8-int8',
    'rows8-int8',
    'rows8-w8a8',
    'rows8-w8a8',
  ])
  await device.dispose()
})

it.each([
  [1, true],
  [3, true],
  [2, false],
] as const)(
  'W8A8 with more rows than are laid out at a time, bias and residual, %i threads, relaxed SIMD %s',
  async (threads, relaxedSimd) => {
    const device = await createWasmDevice({ kernels: quantizationWasm, threads, relaxedSimd })
    // 2^18 bytes hold ten groups of 8 rows of 1536 columns.
    const problems = [
      { tokens: 9, bias: true, residual: true },
      { tokens: 8, bias: false, residual: true },
      { tokens: 5, bias: true, residual: false },
    ].map(({ tokens, bias, residual }) => ({
      name: `${tokens} tokens`,
      inputs: {
        x: normal([tokens, 1536]),
        weight: gridWeight(int8Rows, 164, 1536),
        bias: bias ? normal([164], { seed: 3 }) : undefined,
        residual: residual ? normal([tokens, 164], { seed: 4 }) : undefined,
      },
      options: { activations: 'int8-token' as const },
    }))
    expect((await conform(device, reference, linearOp, problems)).map(({ kernel }) => kernel)).toEqual([
      'rows8-w8a8',
      'rows8-w8a8',
      'rows8-w8a8',
    ])
    await device.dispose()
  },
)
