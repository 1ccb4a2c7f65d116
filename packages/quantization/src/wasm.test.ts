import { embeddingOp, linearOp } from '@tessera-llm/kernels'
import { createReferenceDevice } from '@tessera-llm/tensor'
import { conform } from '@tessera-llm/testing'
import { createWasmDevice, type WasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { packedEmbeddingProblems, packedLinearProblems } from '../test/problems/index.ts'
import { ggmlPackers, rows8Packers } from './index.ts'
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
})
