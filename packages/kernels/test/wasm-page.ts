import { createWasmDevice } from '@tessera-llm/wasm'
import { linear } from '../src/index.ts'
import { kernelsWasm } from '../src/wasm.ts'

export interface WasmPageOptions {
  /** Thread that creates the device. */
  readonly place: 'worker' | 'page'
  readonly threads?: number
  readonly relaxedSimd?: boolean
  readonly workerUrl?: string
}

export interface WasmPageResult {
  readonly isolated?: boolean
  readonly threads?: number
  readonly sharedMemory?: boolean
  readonly relaxedSimd?: boolean
  /** The bits of y = x · weightᵀ + bias. */
  readonly bits?: readonly number[]
  readonly error?: { readonly code: string; readonly message: string }
}

const wave = (length: number, step: number): Float32Array =>
  Float32Array.from({ length }, (_, i) => Math.fround(((i * step) % 97) / 48 - 1))

/** Runs one `linear` of 5 tokens twice as a plan; returns the bits and the device's properties. */
export async function compute({
  threads,
  relaxedSimd,
  workerUrl,
}: Omit<WasmPageOptions, 'place'>): Promise<WasmPageResult> {
  try {
    const device = await createWasmDevice({
      kernels: kernelsWasm,
      threads,
      relaxedSimd,
      workerUrl,
      joinTimeoutMs: 20_000,
    })
    const x = device.tensor(new Float32Array(5 * 96), [5, 96])
    const weight = device.tensor(wave(72 * 96, 31), [72, 96])
    const bias = device.tensor(wave(72, 7), [72])
    const plan = device.capture(() => linear(x, weight, { bias }))
    plan.replay()
    device.write(x, wave(5 * 96, 13))
    plan.replay()
    const y = (await device.read(plan.result)) as Float32Array
    const result = {
      isolated: globalThis.crossOriginIsolated,
      threads: device.wasm.threads,
      sharedMemory: device.wasm.sharedMemory,
      relaxedSimd: device.wasm.relaxedSimd,
      bits: [...new Uint32Array(y.buffer, y.byteOffset, y.length)],
    }
    await device.dispose()
    return result
  } catch (error) {
    const { code = '', message = String(error) } = error as { readonly code?: string; readonly message?: string }
    return { error: { code, message } }
  }
}

/** Runs in a browser: on the page, or in a worker that loads this module again, as an application does. */
export async function run({ place, ...options }: WasmPageOptions): Promise<WasmPageResult> {
  if (place === 'page') return compute(options)
  const worker = new Worker('/bundle.js', { type: 'module' })
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data as WasmPageResult)
      worker.onerror = ({ message }) => reject(new Error(message))
      worker.postMessage(options)
    })
  } finally {
    worker.terminate()
  }
}

if ('WorkerGlobalScope' in globalThis) {
  globalThis.onmessage = async ({ data }) => postMessage(await compute(data as Omit<WasmPageOptions, 'place'>))
}
