import type { Arena } from '../memory/arena.ts'
import { type ArgumentBuffer, createArgumentBuffer } from './encode.ts'
import type { WasmStorage } from './compiled-launch.ts'

/** State of a capture: stages with their arguments, and the memory that the plan owns. */
export interface Recording {
  readonly args: ArgumentBuffer
  /** Table index, argument offset, label of each stage. */
  readonly stages: { readonly index: number; readonly offset: number; readonly label: string }[]
  /** For each launch, the number of stages recorded up to its end. */
  readonly ends: number[]
  /** Allocates a tensor made inside the capture, possibly in memory freed inside it. */
  take(byteLength: number, why: string): WasmStorage
  /** Returns whether the storage belongs to the plan, in which case it stays reserved. */
  takeBack(storage: WasmStorage): boolean
  /**
   * Called before the host writes during the capture. Every replay must find those bytes, so no other launch of the
   * plan may use the same memory: neither an earlier one (the storage moves, unless a launch already refers to it) nor
   * a later one.
   */
  keepWritten(storage: WasmStorage): void
  /** Scratch memory shared by all launches of the plan. */
  scratch(byteLength: number): number
  /** Keeps outside memory alive as long as the plan. */
  pin(storages: readonly WasmStorage[]): void
  /** Frees the plan's memory. Returns outside storages that were freed meanwhile and have no pin left. */
  dispose(): readonly WasmStorage[]
}

export function createRecording(arena: Arena): Recording {
  const blocks: number[] = []
  const own = new Set<WasmStorage>()
  const free: WasmStorage[] = []
  const pinned = new Set<WasmStorage>()
  const written = new Set<WasmStorage>()
  /** Storages in memory that earlier launches use, and that no launch refers to yet. */
  const reused = new Set<WasmStorage>()
  let scratchAddress = 0
  let scratchSize = 0
  return {
    args: createArgumentBuffer(),
    stages: [],
    ends: [],
    take(byteLength, why) {
      // Best fit, but never one that wastes more than half of itself.
      let best = -1
      for (const [index, { byteLength: size }] of free.entries()) {
        if (
          size >= byteLength &&
          size <= 2 * byteLength + 1024 &&
          (best < 0 || size < (free[best] as WasmStorage).byteLength)
        )
          best = index
      }
      const place = best >= 0 ? free.splice(best, 1)[0] : undefined
      const storage: WasmStorage = place
        ? { ...place, freed: false }
        : { byteLength, address: arena.take(byteLength, why), isPlanned: true, pins: 0, freed: false }
      if (place) reused.add(storage)
      else blocks.push(storage.address)
      own.add(storage)
      return storage
    },
    takeBack(storage) {
      if (!own.has(storage)) return false
      if (!storage.freed) {
        storage.freed = true
        if (!written.has(storage)) free.push(storage)
      }
      return true
    },
    keepWritten(storage) {
      if (!own.has(storage)) return
      written.add(storage)
      if (!reused.delete(storage)) return
      const address = arena.take(storage.byteLength, 'data uploaded while a plan is captured')
      blocks.push(address)
      free.push({ ...storage, freed: true })
      storage.address = address
    },
    scratch(byteLength) {
      if (byteLength > scratchSize) {
        scratchSize = byteLength
        scratchAddress = arena.take(byteLength, 'scratch memory')
        blocks.push(scratchAddress)
      }
      return scratchAddress
    },
    pin(storages) {
      for (const storage of storages) {
        reused.delete(storage)
        if (own.has(storage) || pinned.has(storage)) continue
        storage.pins += 1
        pinned.add(storage)
      }
    },
    dispose() {
      for (const address of blocks.splice(0)) arena.give(address)
      const released = [...pinned].filter((storage) => {
        storage.pins -= 1
        return storage.freed && storage.pins === 0
      })
      pinned.clear()
      return released
    },
  }
}
