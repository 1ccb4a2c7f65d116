import { createReferenceDevice } from '@tessera-llm/tensor'
import { createWasmDevice, type WasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { attentionWasm } from '../src/wasm.ts'
import { kvAppendConformance } from './cases/kv-append.ts'
import { kvCopyPageConformance } from './cases/kv-copy-page.ts'
import { kvStoreConformance } from './cases/kv-store.ts'
import { ropeAppendConformance } from './cases/rope-append.ts'

const reference = createReferenceDevice()

describe.each([
  { threads: 3, relaxedSimd: true },
  { threads: 1, relaxedSimd: false },
])('$threads threads, relaxed SIMD $relaxedSimd', ({ threads, relaxedSimd }) => {
  let device: WasmDevice
  beforeAll(async () => {
    device = await createWasmDevice({ kernels: attentionWasm, threads, relaxedSimd })
  })
  afterAll(() => device.dispose())

  test.for([...kvAppendConformance, ...kvCopyPageConformance, ...kvStoreConformance, ...ropeAppendConformance])(
    '$op: $name',
    (one) => one.run(device, reference),
  )
})
