import { createReferenceDevice } from '@tessera-llm/tensor'
import { conform } from '@tessera-llm/testing'
import { createWasmDevice, hasRelaxedSimd, type WasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { argmaxProblems, embeddingProblems, gatedActivationProblems, linearProblems, rmsNormProblems, ropeProblems } from '../test/problems/index.ts'
import { argmaxOp, embeddingOp, gatedActivationOp, linearOp, rmsNormOp, ropeOp } from './index.ts'
import { kernelsWasm } from './wasm.ts'

const reference = createReferenceDevice()

describe.each([
  { threads: 1, relaxedSimd: true },
  { threads: 3, relaxedSimd: true },
  { threads: 2, relaxedSimd: false },
])('$threads threads, relaxed SIMD $relaxedSimd', ({ threads, relaxedSimd }) => {
  let device: WasmDevice
  beforeAll(async () => {
    if (relaxedSimd && !hasRelaxedSimd()) console.warn('*** relaxed SIMD is not here: the plain build is tested twice ***')
    device = await createWasmDevice({ kernels: kernelsWasm, threads, relaxedSimd })
  })
  afterAll(() => device.dispose())

  it('rms-norm', async () => void (await conform(device, reference, rmsNormOp, rmsNormProblems)))
  it('rope', async () => void (await conform(device, reference, ropeOp, ropeProblems)))
  it('gated-activation', async () => void (await conform(device, reference, gatedActivationOp, gatedActivationProblems)))
  it('argmax', async () => void (await conform(device, reference, argmaxOp, argmaxProblems)))
  it('embedding', async () => void (await conform(device, reference, embeddingOp, embeddingProblems)))
  it('linear', async () => void (await conform(device, reference, linearOp, linearProblems)))
})
