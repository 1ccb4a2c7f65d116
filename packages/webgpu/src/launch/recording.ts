import { createBufferPool, type Slot, type WebGpuStorage } from '../buffer/pool.ts'
import type { CompiledLaunch } from './compile.ts'
import type { Dispatch } from './stream.ts'

/** State of a capture: dispatches, and the memory that every replay uses. */
export interface Recording {
  readonly dispatches: Dispatch[]
  /** Number of kernel launches; each has one or more dispatches. */
  launches: number
  /** Compiled launches of the dispatches, each once. */
  readonly compiled: Set<CompiledLaunch>
  /** A buffer freed during the capture, for a tensor that is made in it. */
  reuse(size: number): Slot | undefined
  /** Takes a buffer for the plan: it leaves the common pool until the plan is disposed. */
  own(slot: Slot): void
  /** Keeps outside buffers alive as long as the plan. */
  refer(storages: readonly WebGpuStorage[]): void
  /**
   * Bytes written during the capture must outlast every replay, so such a buffer is not reused within the plan. If
   * earlier dispatches use it, and none yet as this tensor, it is exchanged for one that `replace` makes.
   */
  keepWritten(storage: WebGpuStorage, replace: (size: number) => Slot): void
  /** Returns whether the buffer belongs to the plan and was taken back by it. */
  takeBack(slot: Slot): boolean
  /** Releases all buffers; `release` gets those that nothing else holds. */
  dispose(release: (slot: Slot) => void): void
}

export function createRecording(): Recording {
  const owned = new Set<Slot>()
  const pinned = new Set<Slot>()
  const written = new Set<Slot>()
  /** Storages in buffers that earlier dispatches use, and that no dispatch refers to yet. */
  const reused = new Set<Slot>()
  const free = createBufferPool()
  const pin = (slot: Slot): void => {
    if (pinned.has(slot)) return
    pinned.add(slot)
    slot.pins += 1
  }
  const own = (slot: Slot): void => {
    owned.add(slot)
    slot.freed = false
    pin(slot)
  }
  return {
    dispatches: [],
    launches: 0,
    compiled: new Set(),
    reuse(size) {
      const slot = free.take(size)
      if (slot) reused.add(slot)
      return slot
    },
    own,
    refer(storages) {
      for (const { slot } of storages) {
        reused.delete(slot)
        pin(slot)
      }
    },
    keepWritten(storage, replace) {
      const { slot } = storage
      if (reused.delete(slot)) {
        storage.slot = replace(slot.size)
        own(storage.slot)
        slot.freed = true
        free.give(slot)
      }
      written.add(storage.slot)
    },
    takeBack(slot) {
      if (!owned.has(slot)) return false
      slot.freed = true
      if (!written.has(slot)) free.give(slot)
      return true
    },
    dispose(release) {
      for (const slot of pinned) {
        slot.pins -= 1
        if (slot.pins === 0 && slot.freed) {
          slot.freed = false
          release(slot)
        }
      }
      pinned.clear()
    },
  }
}
