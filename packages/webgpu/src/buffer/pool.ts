import type { Storage } from '@tessera-llm/tensor'

/** A GPU buffer that tensors take turns in. */
export interface Slot {
  readonly id: number
  readonly buffer: GPUBuffer
  readonly size: number
  /** Plans and launches that still refer to the buffer: it goes back to the pool when the tensor is freed and no pin is left. */
  pins: number
  freed: boolean
  /** Number of the last batch of commands that uses the buffer; a write needs no submission before it when that batch is done. */
  batch: number
  /** Bind groups made with the buffer, dropped together with it. */
  readonly dependents: Set<() => void>
}

/** A tensor's memory: the first `byteLength` bytes of a slot. */
export interface WebGpuStorage extends Storage {
  /** Changes once at most: where the host writes while a plan is captured. */
  slot: Slot
}

/**
 * Bytes that a tensor of `byteLength` gets. At least 16 (the smallest binding of `array<vec4<f32>>`), a multiple of 16; in steps of an
 * eighth of the power of two below up to 512 KiB so that tensors of like size share buffers, then in steps of 64 KiB, where
 * weights live and rounding must cost nothing.
 */
export function slotSize(byteLength: number): number {
  const bytes = Math.max(byteLength, 16)
  const step = bytes > 524288 ? 65536 : Math.max(16, 2 ** (Math.floor(Math.log2(bytes)) - 3))
  return Math.ceil(bytes / step) * step
}

/** The size of a binding of `byteLength` bytes: whole vec4s, so that odd lengths can be read as vectors. */
export function bindingSize(byteLength: number): number {
  return Math.max(16, Math.ceil(byteLength / 16) * 16)
}

/**
 * Free buffers by size. Taking one that earlier commands still use is right, because commands run in the order of the calls.
 * Last in, first out, so that a repeated call meets the same buffers and finds its bind groups.
 */
export interface BufferPool {
  take(size: number): Slot | undefined
  give(slot: Slot): void
  /** Takes out every free slot: for destruction, or when memory is short. */
  drain(): Slot[]
  readonly idleBytes: number
}

export function createBufferPool(): BufferPool {
  const free = new Map<number, Slot[]>()
  let idleBytes = 0
  return {
    take(size) {
      const slot = free.get(size)?.pop()
      if (slot) idleBytes -= slot.size
      return slot
    },
    give(slot) {
      const list = free.get(slot.size)
      if (list) list.push(slot)
      else free.set(slot.size, [slot])
      idleBytes += slot.size
    },
    drain() {
      const slots = [...free.values()].flat()
      free.clear()
      idleBytes = 0
      return slots
    },
    get idleBytes() {
      return idleBytes
    },
  }
}
