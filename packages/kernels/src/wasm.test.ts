import { createReferenceDevice } from '@tessera-llm/tensor'
import { wasmSetups } from '@tessera-llm/testing'
import { createWasmDevice, hasRelaxedSimd, type WasmDevice } from '@tessera-llm/wasm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { calibrationCases, conformanceCases, goldenCases } from '../test/cases/index.ts'
import { kernelsWasm } from './wasm.ts'

const reference = createReferenceDevice()
const cases = [...goldenCases, ...conformanceCases, ...calibrationCases]

describe.each(wasmSetups)('$threads threads, relaxed SIMD $relaxedSimd', ({ threads, relaxedSimd }) => {
  let device: WasmDevice
  beforeAll(async () => {
    if (relaxedSimd && !hasRelaxedSimd())
      console.warn('*** relaxed SIMD is not here: the plain build is tested twice ***')
    device = await createWasmDevice({ kernels: kernelsWasm, threads, relaxedSimd })
  })
  afterAll(() => device.dispose())

  it.each([...new Set(cases.map(({ op }) => op))])('%s', async (op) => {
    const failures: string[] = []
    for (const one of cases.filter((candidate) => candidate.op === op)) {
      try {
        await one.run(device, reference)
      } catch (error) {
        failures.push(`${one.name}: ${String(error)}`)
      }
    }
    expect(failures.join('\n')).toBe('')
  })
})
