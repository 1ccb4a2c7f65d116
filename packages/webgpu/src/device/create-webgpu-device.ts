import { checkKernels, createDevice, type Device } from '@tessera-llm/tensor'
import { describeCapabilities, type WebGpuCapabilities } from '../capability/capabilities.ts'
import { type AdapterRequest, requestDevice } from '../capability/request.ts'
import type { WebGpuKernel } from '../kernel/kernel.ts'
import { verifyMatrices } from '../matrix/verify.ts'
import { createPassTimer, type DispatchTime } from '../timing/timer.ts'
import { createWebGpuBackend } from './backend.ts'
import type { WebGpuCounters } from './counters.ts'

/** Options of `createWebGpuDevice`. */
export interface WebGpuDeviceOptions extends AdapterRequest {
  /** Kernels that the device chooses from: `[...kernelsWebgpu, ...attentionWebgpu, ...quantizationWebgpu]`. */
  readonly kernels: readonly WebGpuKernel[]
  /** In Node: `create([])` of the npm package `webgpu`. In browsers `navigator.gpu` is used. */
  readonly gpu?: GPU
  /** Adapter to use instead of requesting one. An adapter gives one device only. */
  readonly adapter?: GPUAdapter
  readonly powerPreference?: GPUPowerPreference
  /** Optional WebGPU features to request, all required. Default: every useful feature of the adapter. */
  readonly features?: readonly string[]
  /** Bytes of freed buffers kept for reuse. */
  readonly maxIdleBytes?: number
}

/** A `Device` with WebGPU controls. */
export interface WebGpuDevice extends Device {
  readonly kind: 'webgpu'
  readonly capabilities: WebGpuCapabilities
  readonly webgpu: WebGpuControls
}

/** WebGPU-specific functions of a device, as `device.webgpu`. */
export interface WebGpuControls {
  readonly device: GPUDevice
  /** Counts of objects created and submissions so far; a replayed plan creates nothing. */
  counters(): WebGpuCounters
  /**
   * Compiles every pipeline that `fn` launches, in parallel, without running any. Returns the number of pipelines of
   * `fn`.
   */
  prepare(fn: () => unknown): Promise<number>
  /**
   * Runs `fn` (synchronous: ops, or a plan's replay) with two timestamps around each dispatch. Throws `unsupported`
   * without `timestamp-query`.
   */
  time(fn: () => unknown): Promise<readonly DispatchTime[]>
}

/**
 * Creates a device from a GPU and kernels. Calls are encoded at once, and submitted when a result is needed, when
 * enough have gathered or at the end of the current turn. Errors that WebGPU reports later (a kernel that does not
 * compile, memory that ran out, a lost device) are thrown as typed errors by the next call and by every read.
 *
 * @throws TesseraError `unsupported` (no adapter, or a required feature is missing), `kernel-abi`
 */
export async function createWebGpuDevice(options: WebGpuDeviceOptions): Promise<WebGpuDevice> {
  checkKernels(options.kernels, 'webgpu')
  const { gpu, adapter, device } = await requestDevice(options)
  const capabilities = describeCapabilities(gpu, adapter, device, await verifyMatrices(adapter, device))
  const backend = createWebGpuBackend(device, {
    name: `webgpu (${[capabilities.vendor, capabilities.architecture].filter(Boolean).join(' ') || 'unnamed GPU'}${capabilities.isFallback ? ', software' : ''})`,
    kernels: options.kernels,
    capabilities,
    maxIdleBytes: options.maxIdleBytes ?? 256 << 20,
  })
  const base = createDevice(backend)
  const { stream, failures, counters } = backend
  const controls: WebGpuControls = {
    device,
    counters: () => ({ ...counters }),
    async prepare(fn) {
      backend.beginCollect()
      let entries: ReturnType<typeof backend.endCollect>
      try {
        base.capture(fn).dispose()
      } finally {
        entries = backend.endCollect()
      }
      await Promise.all([...entries].map((entry) => entry.prepare()))
      await failures.settle()
      return entries.size
    },
    async time(fn) {
      failures.check()
      const timer = createPassTimer(device, base.name)
      stream.flush()
      stream.setTimer(timer)
      try {
        fn()
      } finally {
        stream.setTimer(undefined)
      }
      stream.flush()
      const times = await timer.read()
      await failures.settle()
      return times
    },
  }
  // Tensors refer to this object, so it is extended, not copied.
  return Object.assign(base, { webgpu: controls }) as WebGpuDevice
}
