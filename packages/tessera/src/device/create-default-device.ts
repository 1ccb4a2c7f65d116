import { attentionWasm } from '@tessera-llm/attention/wasm'
import { attentionWebgpu } from '@tessera-llm/attention/webgpu'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { kernelsWebgpu } from '@tessera-llm/kernels/webgpu'
import { quantizationWasm } from '@tessera-llm/quantization/wasm'
import { quantizationWebgpu } from '@tessera-llm/quantization/webgpu'
import { createReferenceDevice, type Device, TesseraError } from '@tessera-llm/tensor'
import { createWasmDevice, type WasmDevice } from '@tessera-llm/wasm'
import { createWebGpuDevice, isSoftware } from '@tessera-llm/webgpu'

/** `auto` is WebGPU if the platform (or the `gpu` that was passed) has an adapter in hardware, else WebAssembly. */
export type DeviceChoice = 'auto' | 'wasm' | 'webgpu' | 'reference'

/** Options of `createDefaultDevice`. */
export interface DefaultDeviceOptions {
  readonly device?: DeviceChoice | undefined
  /** Number of WebAssembly threads. Default: as many as the machine has; one if memory cannot be shared. */
  readonly threads?: number | undefined
  /** The WebGPU entry point in Node.js: `create([])` of the npm package `webgpu`. Browsers have their own. */
  readonly gpu?: GPU | undefined
  /** Worker script of the WebAssembly device, for pages whose content security policy forbids blob workers. */
  readonly workerUrl?: string | undefined
  /** `false` returns a WebAssembly device before its workers run; wait for `whenStarted(device)`. Default `true`. */
  readonly waitForWorkers?: boolean | undefined
}

/**
 * Creates a device with the kernels of kernels, attention and quantization. To ship fewer kernels, create a device from
 * the same parts.
 *
 * @throws TesseraError `unsupported` for WebGPU without an adapter
 */
export async function createDefaultDevice(options: DefaultDeviceOptions = {}): Promise<Device> {
  const gpu = options.gpu ?? (globalThis.navigator as Partial<Navigator> | undefined)?.gpu
  const choice = options.device ?? 'auto'
  switch (choice) {
    case 'auto': {
      const adapter = await gpu?.requestAdapter()
      return gpu && adapter && !isSoftware(adapter) ? createOnGpu(gpu, adapter) : createOnWasm(options)
    }
    case 'reference':
      return createReferenceDevice()
    case 'wasm':
      return createOnWasm(options)
    case 'webgpu':
      if (!gpu)
        throw new TesseraError(
          'unsupported',
          'load: device "webgpu" was asked for, but this platform has none; in Node.js pass options.gpu (npm install webgpu), in a browser use https and a version with WebGPU, or use device "wasm"',
        )
      return createOnGpu(gpu)
    default:
      throw new TesseraError(
        'invalid-option',
        `load: device must be auto, wasm, webgpu or reference, not ${JSON.stringify(choice)}`,
      )
  }
}

/**
 * Resolves when all threads of a device run.
 *
 * @throws TesseraError `worker-lost` if they cannot start
 */
export async function whenStarted(device: Device): Promise<void> {
  if (device.kind === 'wasm') await (device as WasmDevice).wasm.started
}

function createOnWasm({ threads, waitForWorkers, workerUrl }: DefaultDeviceOptions): Promise<Device> {
  return createWasmDevice({
    kernels: [...kernelsWasm, ...attentionWasm, ...quantizationWasm],
    threads,
    waitForWorkers,
    workerUrl,
  })
}

function createOnGpu(gpu: GPU, adapter?: GPUAdapter): Promise<Device> {
  return createWebGpuDevice({
    gpu,
    ...(adapter ? { adapter } : {}),
    kernels: [...kernelsWebgpu, ...attentionWebgpu, ...quantizationWebgpu],
  })
}
