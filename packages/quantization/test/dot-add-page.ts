import { linearOp } from '@tessera-llm/kernels'
import { createReferenceDevice } from '@tessera-llm/tensor'
import { conform } from '@tessera-llm/testing'
import { createWasmDevice } from '@tessera-llm/wasm'
import { ggmlPackers } from '../src/index.ts'
import { quantizationWasm } from '../src/wasm.ts'
import { int8RowProblems, packedLinearProblems } from './problems/index.ts'

/**
 * Runs in a browser: `linear` on these block types and on int8 by rows, on WebAssembly against the reference device.
 * Returns how the platform's dot product that adds takes bytes, the kernels that conform, and the failures.
 */
export async function run(
  types: readonly string[],
): Promise<{ readonly dotAdd?: string; readonly kernels: readonly string[]; readonly failures: readonly string[] }> {
  const device = await createWasmDevice({ kernels: quantizationWasm, threads: 1 })
  const reference = createReferenceDevice()
  const kernels = new Set<string>()
  const failures: string[] = []
  for (const problems of [...types.map((type) => packedLinearProblems(type, ggmlPackers)), int8RowProblems()]) {
    try {
      for (const { kernel } of await conform(device, reference, linearOp, problems)) kernels.add(String(kernel))
    } catch (error) {
      failures.push(String(error))
    }
  }
  const { dotAdd } = device.wasm
  await device.dispose()
  return { ...(dotAdd && { dotAdd }), kernels: [...kernels].sort(), failures }
}
