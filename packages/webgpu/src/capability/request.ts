import { TesseraError } from '@tessera-llm/tensor'
import { limitNames } from './capabilities.ts'

export interface AdapterRequest {
  readonly gpu?: GPU | undefined
  readonly adapter?: GPUAdapter | undefined
  readonly powerPreference?: GPUPowerPreference | undefined
  readonly features?: readonly string[] | undefined
}

export interface RequestedDevice {
  readonly gpu: GPU | undefined
  readonly adapter: GPUAdapter
  readonly device: GPUDevice
}

/** Optional features that kernels can use; each is requested if the adapter has it. */
const usefulFeatures = [
  'shader-f16',
  'subgroups',
  'subgroup-size-control',
  'timestamp-query',
  'chromium-experimental-subgroup-matrix',
]

// Dawn's Node binding crashes the process if the object from `create()` or an adapter is garbage-collected while
// objects made from it are in use, natively too. Both take a few hundred bytes, so they are kept for the life of the
// process.
const keptAlive: unknown[] = []

/** Requests a device with the adapter's full limits and every useful feature. Throws `unsupported` with the remedy. */
export async function requestDevice(request: AdapterRequest): Promise<RequestedDevice> {
  const gpu = request.gpu ?? (typeof navigator === 'undefined' ? undefined : (navigator as Partial<Navigator>).gpu)
  if (!gpu && !request.adapter) {
    throw new TesseraError(
      'unsupported',
      'webgpu: this environment has no navigator.gpu; in Node pass { gpu: create([]) } from the npm package webgpu, in browsers use https or another browser',
    )
  }
  const adapter =
    request.adapter ??
    (await gpu?.requestAdapter(request.powerPreference ? { powerPreference: request.powerPreference } : {}))
  if (!adapter)
    throw new TesseraError(
      'unsupported',
      'webgpu: no adapter; the machine has no usable GPU driver. Use the WASM device, or a software driver such as SwiftShader',
    )
  const missing = (request.features ?? []).filter((feature) => !adapter.features.has(feature as GPUFeatureName))
  if (missing.length > 0) {
    throw new TesseraError(
      'unsupported',
      `webgpu: the adapter ${adapter.info.vendor} ${adapter.info.architecture} lacks the features ${missing.join(', ')}; leave them out of the option features`,
    )
  }
  const requiredLimits: Record<string, number> = {}
  for (const name of limitNames) requiredLimits[name] = adapter.limits[name]
  const wanted = request.features ?? usefulFeatures.filter((feature) => adapter.features.has(feature as GPUFeatureName))
  try {
    const device = await adapter.requestDevice({
      label: 'tessera',
      requiredFeatures: wanted as GPUFeatureName[],
      requiredLimits,
    })
    keptAlive.push(gpu, adapter)
    return { gpu, adapter, device }
  } catch (cause) {
    throw new TesseraError(
      'unsupported',
      `webgpu: the adapter ${adapter.info.vendor} ${adapter.info.architecture} refused a device (${String(cause)}); an adapter gives one device, so request a new adapter for each`,
      { cause },
    )
  }
}
