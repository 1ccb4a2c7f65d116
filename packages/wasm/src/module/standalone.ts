import { TesseraError } from '@tessera-llm/tensor'
import type { WasmModule } from '../kernel/kernel.ts'
import { decodeBase64 } from './base64.ts'
import { hasRelaxedSimd } from './probe.ts'
import { withUnsharedMemory } from './unshared.ts'

/** A kernel module that runs on the calling thread, in memory of its own. */
export interface StandaloneModule {
  readonly exports: WebAssembly.Exports
  /** The whole memory; it does not grow. */
  readonly buffer: ArrayBuffer
}

/**
 * Instantiates a kernel module without a device, for synchronous functions over typed arrays.
 *
 * @param byteLength size of its memory
 * @throws TesseraError `unsupported` without WebAssembly SIMD
 */
export async function instantiateStandalone(module: WasmModule, byteLength: number): Promise<StandaloneModule> {
  const bytes = withUnsharedMemory(decodeBase64(hasRelaxedSimd() ? module.relaxed : module.simd))
  const pages = Math.ceil(byteLength / 65_536)
  try {
    const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
    const table = new WebAssembly.Table({ element: 'anyfunc', initial: 0 })
    const { instance } = await WebAssembly.instantiate(bytes, { env: { memory, table } })
    return { exports: instance.exports, buffer: memory.buffer }
  } catch (cause) {
    if (!(cause instanceof WebAssembly.CompileError)) throw cause
    throw new TesseraError(
      'unsupported',
      `wasm: this platform cannot compile ${module.name} (${cause.message}); WebAssembly SIMD is needed: Node.js 20, Chrome 91, Firefox 89, Safari 16.4 or later`,
      { cause },
    )
  }
}
