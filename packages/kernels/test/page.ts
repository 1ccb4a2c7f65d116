import { createReferenceDevice } from '@tessera-llm/tensor'
import { conform } from '@tessera-llm/testing'
import { createWebGpuDevice } from '@tessera-llm/webgpu'
import { argmaxOp, embeddingOp, gatedActivationOp, linearOp, rmsNormOp, ropeOp } from '../src/index.ts'
import { kernelsWebgpu } from '../src/webgpu.ts'
import {
  argmaxProblems,
  embeddingProblems,
  gatedActivationProblems,
  linearProblems,
  rmsNormProblems,
  ropeProblems,
} from './problems/index.ts'

/**
 * Runs in a browser: compares the ops of a llama layer with the reference device. Returns conforming problems by op,
 * and the failures.
 */
export async function run(): Promise<{
  readonly conforming: Readonly<Record<string, number>>
  readonly failures: readonly string[]
}> {
  const device = await createWebGpuDevice({ kernels: kernelsWebgpu })
  const reference = createReferenceDevice()
  const tables = [
    () => conform(device, reference, argmaxOp, argmaxProblems),
    () => conform(device, reference, embeddingOp, embeddingProblems),
    () => conform(device, reference, gatedActivationOp, gatedActivationProblems),
    () => conform(device, reference, linearOp, linearProblems),
    () => conform(device, reference, rmsNormOp, rmsNormProblems),
    () => conform(device, reference, ropeOp, ropeProblems),
  ]
  const names = ['argmax', 'embedding', 'gated-activation', 'linear', 'rms-norm', 'rope']
  const conforming: Record<string, number> = {}
  const failures: string[] = []
  for (const [index, table] of tables.entries()) {
    try {
      conforming[names[index] as string] = (await table()).length
    } catch (error) {
      failures.push(String(error))
    }
  }
  await device.dispose()
  return { conforming, failures }
}
