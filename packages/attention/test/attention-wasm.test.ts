import { createReferenceDevice, isTesseraError } from '@tessera-llm/tensor'
import { wasmSetups } from '@tessera-llm/testing'
import { createWasmDevice, dotAddOf, type WasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { attentionWasm } from '../src/wasm.ts'
import { attentionConformance, packedConformance } from './cases/attention.ts'
import { pagedConformance } from './cases/attention-cache.ts'
import { exactQuantizedConformance, quantizedConformance } from './cases/attention-quantized.ts'
import { attentionGolden } from './cases/golden.ts'

const reference = createReferenceDevice()
const dense = [...attentionConformance, ...packedConformance, ...pagedConformance, ...attentionGolden]
const cases = [...dense, ...quantizedConformance]
const exactCases = [...dense, ...exactQuantizedConformance]

/** Where the platform has products of bytes that add to 32 bits, also without them. */
const setups = [
  ...wasmSetups.map((setup) => ({ ...setup, dotAdd: setup.relaxedSimd && dotAddOf() !== undefined })),
  ...(dotAddOf() === undefined ? [] : [{ threads: 2, relaxedSimd: true, dotAdd: false }]),
]

describe.each(setups)('$threads threads, relaxed SIMD $relaxedSimd, products that add $dotAdd', (setup) => {
  let device: WasmDevice
  beforeAll(async () => {
    device = await createWasmDevice({ kernels: attentionWasm, ...setup })
  })
  afterAll(() => device.dispose())

  test.for(cases)('the chosen kernel: $name', (one) => one.run(device, reference))
  test.for(exactCases)('plain: $name', (one) => one.run(device, reference, { kernel: 'plain' }))

  // flash takes every call; decode up to four query rows, not packed.
  test.for([
    ['flash', exactCases, cases.length],
    ['decode', cases, 26],
  ] as const)('%s wherever it says that it can', async ([kernel, cases, leastTaken]) => {
    const failures: string[] = []
    let refused = 0
    for (const one of cases) {
      try {
        await one.run(device, reference, { kernel })
      } catch (error) {
        if (isTesseraError(error, 'missing-kernel')) refused += 1
        else failures.push(String(error))
      }
    }
    expect(failures.join('\n')).toBe('')
    expect(cases.length - refused).toBeGreaterThanOrEqual(leastTaken)
  })
})
