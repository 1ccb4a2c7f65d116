import type { MutableCounters } from '../device/counters.ts'
import { bufferUsage } from './usage.ts'

/** Reusable buffers for reading back: each token's logits or id go through the same few buffers. */
export interface StagingRing {
  take(size: number): GPUBuffer
  give(buffer: GPUBuffer): void
}

/** Largest total of staging buffers kept, in bytes: a whole weight is read back once, if ever. */
const maxKeptBytes = 16 << 20

export function createStagingRing(device: GPUDevice, counters: MutableCounters): StagingRing {
  const free = new Map<number, GPUBuffer[]>()
  return {
    take(size) {
      const rounded = 2 ** Math.ceil(Math.log2(Math.max(size, 256)))
      const known = free.get(rounded)?.pop()
      if (known) return known
      counters.buffersCreated += 1
      return device.createBuffer({ label: 'readback', size: rounded, usage: bufferUsage.mapRead | bufferUsage.copyDst })
    },
    give(buffer) {
      if (buffer.size > maxKeptBytes) buffer.destroy()
      else if (free.has(buffer.size)) free.get(buffer.size)?.push(buffer)
      else free.set(buffer.size, [buffer])
    },
  }
}
