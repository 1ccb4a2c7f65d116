import { type BufferPool, createBufferPool, type Slot, type WebGpuStorage } from '../buffer/pool.ts'
import type { Dispatch } from './stream.ts'

/** What a capture gathers: dispatches, and the memory that they will use at every replay. */
export interface Recording {
  readonly dispatches: Dispatch[]
  /** Kernel launches; each has one or more dispatches. */
  launches: number
  /** Buffers freed during the capture, reused by what is recorded later and by nobody else. */
  readonly free: BufferPool
  /** Takes a buffer for the plan: it stays out of the common pool until the plan is disposed. */
  own(slot: Slot): void
  /** Keeps a buffer of the world outside alive for the plan. */
  refer(storages: readonly WebGpuStorage[]): void
  /** Bytes written during the capture must outlast every replay: such a buffer is not reused within the plan. */
  markWritten(slot: Slot): void
  /** True when the buffer belongs to the plan and was taken back by it. */
  takeBack(slot: Slot): boolean
  /** Lets go of all buffers; `release` gets those that nobody else holds. */
  dispose(release: (slot: Slot) => void): void
}

export function createRecording(): Recording {
  const owned = new Set<Slot>()
  const pinned = new Set<Slot>()
  const written = new Set<Slot>()
  const free = createBufferPool()
  const pin = (slot: Slot): void => {
    if (pinned.has(slot)) return
    pinned.add(slot)
    slot.pins += 1
  }
  return {
    dispatches: [],
    launches: 0,
    free,
    own(slot) {
      owned.add(slot)
      slot.freed = false
      pin(slot)
    },
    refer(storages) {
      for (const { slot } of storages) pin(slot)
    },
    markWritten(slot) {
      written.add(slot)
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
