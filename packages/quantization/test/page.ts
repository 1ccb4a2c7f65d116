import { embeddingOp, linearOp } from '@tessera-llm/kernels'
import { createReferenceDevice } from '@tessera-llm/tensor'
import { conform } from '@tessera-llm/testing'
import { createWebGpuDevice } from '@tessera-llm/webgpu'
import { ggmlPackers } from '../src/index.ts'
import { quantizationWebgpu } from '../src/webgpu.ts'
import { packedEmbeddingProblems, packedLinearProblems } from './problems/index.ts'

/**
 * Runs in a browser: `linear` and `embedding` on these block types against the reference device. Returns the kernels
 * that conform, and the failures.
 */
export async function run(
  types: readonly string[],
): Promise<{ readonly kernels: readonly string[]; readonly failures: readonly string[] }> {
  const device = await createWebGpuDevice({ kernels: quantizationWebgpu })
  const reference = createReferenceDevice()
  const kernels = new Set<string>()
  const failures: string[] = []
  for (const type of types) {
    const exact = packedLinearProblems(type, ggmlPackers).filter(({ options }) => options.activations === 'f32')
    for (const table of [
      () => conform(device, reference, linearOp, exact),
      () => conform(device, reference, embeddingOp, packedEmbeddingProblems(type, ggmlPackers)),
    ]) {
      try {
        for (const { kernel } of await table()) kernels.add(String(kernel))
      } catch (error) {
        failures.push(String(error))
      }
    }
  }
  await device.dispose()
  return { kernels: [...kernels].sort(), failures }
}
