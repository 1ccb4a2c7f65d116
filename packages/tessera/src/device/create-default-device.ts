import { attentionWasm } from '@tessera-llm/attention/wasm'
import { attentionWebgpu } from '@tessera-llm/attention/webgpu'
import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { kernelsWebgpu } from '@tessera-llm/kernels/webgpu'
import { quantizationWasm } from '@tessera-llm/quantization/wasm'
import { quantizationWebgpu } from '@tessera-llm/quantization/webgpu'
import { createReferenceDevice, type Device, TesseraError } from '@tessera-llm/tensor'
import { createWasmDevice, type WasmDevice } from '@tessera-llm/wasm'
import { createWebGpuDevice } from '@tessera-llm/webgpu'

/** `auto` is WebGPU where the platform has it (or `gpu` was passed) and WebAssembly otherwise. */
export type DeviceChoice = 'auto' | 'wasm' | 'webgpu' | 'reference'

export interface DefaultDeviceOptions {
  readonly device?: DeviceChoice | undefined
  /** WebAssembly threads; as many as the machine has when left out, one where memory cannot be shared. */
  readonly threads?: number | undefined
  /** The WebGPU entry point in Node.js: `create([])` of the npm package `webgpu`. Browsers have their own. */
  readonly gpu?: GPU | undefined
  /** Worker script of the WebAssembly device, for pages whose content security policy forbids blob workers. */
  readonly workerUrl?: string | undefined
  /** `false` gives a WebAssembly device before its workers run; wait for `whenStarted(device)`. Default `true`. */
  readonly waitForWorkers?: boolean | undefined
}

/** A device with the kernels of kernels, attention and quantization. Build your own from the same parts to ship fewer. */
export async function createDefaultDevice(options: DefaultDeviceOptions = {}): Promise<Device> {
  const gpu = options.gpu ?? (globalThis.navigator as Navigator | undefined)?.gpu
  const choice = options.device ?? 'auto'
  switch (choice === 'auto' ? (gpu ? 'webgpu' : 'wasm') : choice) {
    case 'reference':
      return createReferenceDevice()
    case 'wasm':
      return createWasmDevice({
        kernels: [...kernelsWasm, ...attentionWasm, ...quantizationWasm],
        ...(options.threads === undefined ? {} : { threads: options.threads }),
        waitForWorkers: options.waitForWorkers,
        ...(options.workerUrl === undefined ? {} : { workerUrl: options.workerUrl }),
      })
    case 'webgpu': {
      if (!gpu) throw new TesseraError('unsupported', 'load: device "webgpu" was asked for, but this platform has none; in Node.js pass options.gpu (npm install webgpu)')
      return createWebGpuDevice({ gpu, kernels: [...kernelsWebgpu, ...attentionWebgpu, ...quantizationWebgpu] })
    }
    default:
      throw new TesseraError('invalid-option', `load: device must be auto, wasm, webgpu or reference, not ${JSON.stringify(choice)}`)
  }
}

/** Resolves when a device has all its threads; rejects with `worker-lost` when it cannot have them. */
export async function whenStarted(device: Device): Promise<void> {
  if (device.kind === 'wasm') await (device as WasmDevice).wasm.started
}
