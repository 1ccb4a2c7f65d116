import { createReferenceDevice } from '@tessera-llm/tensor'
import { createWasmDevice } from '@tessera-llm/wasm'
import { attentionWasm } from '../src/wasm.ts'
import { quantizedConformance } from './cases/attention-quantized.ts'

/**
 * Runs in a browser: attention over packed keys and values on WebAssembly against the reference device. Returns how the
 * platform's dot product that adds takes bytes, how many problems ran, and the failures.
 */
export async function run(): Promise<{
  readonly dotAdd?: string
  readonly count: number
  readonly failures: readonly string[]
}> {
  const device = await createWasmDevice({ kernels: attentionWasm, threads: 1 })
  const reference = createReferenceDevice()
  const failures: string[] = []
  for (const one of quantizedConformance) {
    try {
      await one.run(device, reference)
    } catch (error) {
      failures.push(String(error))
    }
  }
  const { dotAdd } = device.wasm
  await device.dispose()
  return { ...(dotAdd && { dotAdd }), count: quantizedConformance.length, failures }
}
