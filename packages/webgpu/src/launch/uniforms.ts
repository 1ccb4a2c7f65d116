import { bufferUsage } from '../buffer/usage.ts'
import type { MutableCounters } from '../device/counters.ts'

/** A small immutable buffer, shared by all passes that have the same parameters. */
export interface Uniform {
  readonly key: string
  readonly buffer: GPUBuffer
  users: number
}

export interface Uniforms {
  /** The buffer with these bytes, for one user more. */
  take(bytes: Uint8Array, label: string): Uniform
  /** For one user less. Returns the buffer when that was the last one: the caller destroys it. */
  give(uniform: Uniform): GPUBuffer | undefined
  clear(): void
}

export function createUniforms(device: GPUDevice, counters: MutableCounters): Uniforms {
  const uniforms = new Map<string, Uniform>()
  const create = (key: string, bytes: Uint8Array, label: string): Uniform => {
    counters.buffersCreated += 1
    const usage = bufferUsage.uniform | bufferUsage.copyDst
    const buffer = device.createBuffer({ label: `params ${label}`, size: bytes.byteLength, usage })
    device.queue.writeBuffer(buffer, 0, bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const uniform = { key, buffer, users: 0 }
    uniforms.set(key, uniform)
    return uniform
  }
  return {
    take(bytes, label) {
      const key = bytes.join()
      const uniform = uniforms.get(key) ?? create(key, bytes, label)
      uniform.users += 1
      return uniform
    },
    give(uniform) {
      uniform.users -= 1
      if (uniform.users > 0) return undefined
      uniforms.delete(uniform.key)
      return uniform.buffer
    },
    clear: () => uniforms.clear(),
  }
}
