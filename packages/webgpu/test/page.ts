import { createWebGpuDevice } from '../src/index.ts'
import { affine, affineKernel } from './affine.ts'

/** Runs in a browser: one op, one replayed plan, one lost device. */
export async function run(values: readonly number[]): Promise<unknown> {
  const device = await createWebGpuDevice({ kernels: [affineKernel()] })
  const x = device.tensor(Float32Array.from(values), [values.length])
  const eager = [...(await device.read(device.run(affine, { x }, { factor: 2, offset: 1 }).y))]
  const plan = device.capture(() => device.run(affine, { x }, { factor: 3 }).y)
  const replayed: unknown[] = []
  plan.replay()
  replayed.push([...(await device.read(plan.result))])
  const before = device.webgpu.counters()
  device.write(x, Float32Array.of(10))
  plan.replay()
  replayed.push([...(await device.read(plan.result))])
  const after = device.webgpu.counters()
  const created = after.buffersCreated - before.buffersCreated + after.bindGroupsCreated - before.bindGroupsCreated
  device.webgpu.device.destroy()
  await device.webgpu.device.lost
  const lost = await device.read(x).then(
    () => 'no error',
    (error: { code?: string }) => error.code,
  )
  return {
    architecture: device.capabilities.architecture,
    isolated: globalThis.crossOriginIsolated,
    eager,
    replayed,
    created,
    submits: after.submits - before.submits,
    lost,
  }
}
