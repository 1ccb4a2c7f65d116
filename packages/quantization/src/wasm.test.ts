import { embeddingOp, linearOp } from '@tessera-llm/kernels'
import { createReferenceDevice } from '@tessera-llm/tensor'
import { conform } from '@tessera-llm/testing'
import { createWasmDevice, type WasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { gridEmbeddingProblems, gridLinearProblems, grids, packedEmbeddingProblems, packedLinearProblems, packRows8Problems } from '../test/problems/index.ts'
import { ggmlPackers, gridFormat, packRows8Op, rows8Packers } from './index.ts'
import { quantizationWasm } from './wasm.ts'

const reference = createReferenceDevice()

describe.each([
  { threads: 1, relaxedSimd: true },
  { threads: 3, relaxedSimd: true },
  { threads: 2, relaxedSimd: false },
])('$threads threads, relaxed SIMD $relaxedSimd', ({ threads, relaxedSimd }) => {
  let device: WasmDevice
  beforeAll(async () => {
    device = await createWasmDevice({ kernels: quantizationWasm, threads, relaxedSimd })
  })
  afterAll(() => device.dispose())

  it.each(rows8Packers.map(({ source }) => source))('linear on %s', async (source) => void (await conform(device, reference, linearOp, packedLinearProblems(source, ggmlPackers))))
  it.each(rows8Packers.map(({ source }) => source))('embedding on %s', async (source) => void (await conform(device, reference, embeddingOp, packedEmbeddingProblems(source, ggmlPackers))))
  it.each(rows8Packers.filter(({ onDevice }) => onDevice).map(({ source }) => source))('packing of %s', async (source) => void (await conform(device, reference, packRows8Op, packRows8Problems(source))))
  const named = grids.map((grid) => [gridFormat(grid).id, grid] as const)
  it.each(named)('linear on %s', async (_, grid) => void (await conform(device, reference, linearOp, gridLinearProblems(grid, true))))
  it.each(named)('embedding on %s', async (_, grid) => void (await conform(device, reference, embeddingOp, gridEmbeddingProblems(grid, true))))
})

it('several tokens of W8A8 take the kernel that sums over whole rows, one token and other scales do not', async () => {
  const device = await createWasmDevice({ kernels: quantizationWasm, threads: 1 })
  const byRow = gridLinearProblems({ kind: 'integer', bits: 8, group: 'row', isSymmetric: true, scaleType: 'f32' }).filter(({ options }) => options.activations === 'int8-token')
  expect((await conform(device, reference, linearOp, byRow)).map(({ kernel }) => kernel)).toEqual(['rows8-int8', 'rows8-int8', 'rows8-w8a8', 'rows8-w8a8', 'rows8-w8a8'])
  await device.dispose()
})
