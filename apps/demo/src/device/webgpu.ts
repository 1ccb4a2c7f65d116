import { constants } from 'node:os'
import { createDefaultDevice } from '@tessera-llm/tessera'
import { type Device, isTesseraError } from '@tessera-llm/tensor'

/** A WebGPU device, or the reason why there is none. */
export type WebGpuChoice = { readonly device: Device; readonly isSoftware: boolean } | { readonly reason: string }

/** The machine's own GPU; without one SwiftShader, which computes on the processor. */
export async function openWebGpu(): Promise<WebGpuChoice> {
  let library: typeof import('webgpu')
  try {
    library = await import('webgpu')
  } catch {
    return { reason: `the optional npm package webgpu is not there for ${process.platform} on ${process.arch}` }
  }
  Object.assign(globalThis, library.globals)
  const own = hasVulkan() ? await tryOpen(library.create([])) : 'there is no Vulkan driver'
  if (typeof own !== 'string') return own
  const { useSwiftShader } = await import('@tessera-tooling/swiftshader')
  if (!useSwiftShader()) return { reason: `${own}, and SwiftShader is carried for Linux on x64 only` }
  // Zeroing workgroup memory, which these kernels do not rely on, makes SwiftShader compile many times slower.
  const software = await tryOpen(library.create(['backend=vulkan', 'enable-dawn-features=disable_workgroup_init']))
  return typeof software === 'string' ? { reason: software } : software
}

async function tryOpen(gpu: GPU): Promise<Exclude<WebGpuChoice, { reason: string }> | string> {
  try {
    const device = await createDefaultDevice({ device: 'webgpu', gpu })
    return { device, isSoftware: device.capabilities['isFallback'] === true }
  } catch (error) {
    if (isTesseraError(error, 'unsupported')) return error.message
    throw error
  }
}

/** Whether Dawn would find a Vulkan loader on Linux; without one it complains on stderr past JavaScript. */
function hasVulkan(): boolean {
  if (process.platform !== 'linux') return true
  try {
    process.dlopen({ exports: {} }, 'libvulkan.so.1', constants.dlopen.RTLD_NOW)
    return true
  } catch (error) {
    // Node expects an addon and complains about any other library, which is found all the same.
    return String(error).includes('did not self-register')
  }
}
