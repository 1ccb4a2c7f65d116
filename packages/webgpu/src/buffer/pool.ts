import type { Storage } from '@tessera-llm/tensor'

/** A GPU buffer, reused by one tensor after another. */
export interface Slot {
  readonly id: number
  readonly buffer: GPUBuffer
  readonly size: number
  /**
   * Number of plans and launches that refer to the buffer. It returns to the pool when the tensor is freed and no pin
   * is left.
   */
  pins: number
  freed: boolean
  /**
   * Number of the last command batch that uses the buffer; a write needs no submission first if that batch is
   * submitted.
   */
  batch: number
  /** Bind groups made with the buffer, dropped together with it. */
  readonly dependents: Set<() => void>
}

/** Memory of a tensor: the first `byteLength` bytes of a slot. */
export interface WebGpuStorage extends Storage {
  /** Changes at most once: if the host writes while a plan is captured. */
  slot: Slot
}

/**
 * Bytes allocated for a tensor of `byteLength`: at least 16 (the smallest binding of `array<vec4<f32>>`) and a multiple
 * of 16. Up to 512 KiB, sizes step by an eighth of the next lower power of two, so that tensors of similar size share
 * buffers; above, by 64 KiB, because weights must not waste memory.
 */
export function slotSize(byteLength: number): number {
  const bytes = Math.max(byteLength, 16)
  const step = bytes > 524288 ? 65536 : Math.max(16, 2 ** (Math.floor(Math.log2(bytes)) - 3))
  return Math.ceil(bytes / step) * step
}

/** Size of a binding of `byteLength` bytes: whole vec4s, so that odd lengths can be read as vectors. */
export function bindingSize(byteLength: number): number {
  return Math.max(16, Math.ceil(byteLength / 16) * 16)
}

/**
 * Free buffers by size. A buffer that earlier commands still use may be taken, because commands run in call order. Last
 * in, first out, so that a repeated call gets the same buffers and finds its bind groups.
 */
export interface BufferPool {
  take(size: number): Slot | undefined
  give(slot: Slot): void
  /** Removes every free slot, for destruction or if memory is short. */
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
