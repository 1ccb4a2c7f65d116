import { embeddingOp, linearOp } from '@tessera-llm/kernels'
import { createReferenceDevice } from '@tessera-llm/tensor'
import { conform, wasmSetups } from '@tessera-llm/testing'
import { createWasmDevice, dotAddOf, type WasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  extremeLinearProblems,
  gridEmbeddingProblems,
  gridLinearProblems,
  grids,
  int8RowProblems,
  int8Rows,
  packedEmbeddingProblems,
  packedLinearProblems,
  packRows8Problems,
} from '../test/problems/index.ts'
import { ggmlPackers, gridFormat, packRows8Op, rows8Packers } from './index.ts'
import { quantizationWasm } from './wasm.ts'

const reference = createReferenceDevice()

/** Where the platform has products that add to 32 bits, also without them. */
const setups = [
  ...wasmSetups.map((setup) => ({ ...setup, dotAdd: setup.relaxedSimd && dotAddOf() !== undefined })),
  ...(dotAddOf() === undefined ? [] : [{ threads: 2, relaxedSimd: true, dotAdd: false }]),
]

describe.each(setups)('$threads threads, relaxed SIMD $relaxedSimd, products that add $dotAdd', (setup) => {
  let device: WasmDevice
  beforeAll(async () => {
    device = await createWasmDevice({ kernels: quantizationWasm, ...setup })
  })
  afterAll(() => device.dispose())

  it.each(rows8Packers.map(({ source }) => source))(
    'linear on %s',
    async (source) => void (await conform(device, reference, linearOp, packedLinearProblems(source, ggmlPackers))),
  )
  it.each(['q4_0', 'q5_0', 'q6_k', 'iq4_nl', 'mxfp4', 'nvfp4'])(
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

it('several tokens of W8A8 take the kernel that sums over whole rows, one token and other scales do not', async () => {
  const device = await createWasmDevice({ kernels: quantizationWasm, threads: 1, dotAdd: false })
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

it.each(setups)(
  'W8A8 with more rows than are laid out at a time, bias and residual, $threads threads, relaxed SIMD $relaxedSimd, products that add $dotAdd',
  async (setup) => {
    const device = await createWasmDevice({ kernels: quantizationWasm, ...setup })
    const kernel = device.wasm.dotAdd ? 'rows8-w8a8-dot-add' : 'rows8-w8a8'
    expect((await conform(device, reference, linearOp, int8RowProblems())).map((run) => run.kernel)).toEqual([
      kernel,
      kernel,
      kernel,
    ])
    await device.dispose()
  },
)
