import type { Arena } from '../memory/arena.ts'
import { type ArgumentBuffer, createArgumentBuffer } from './encode.ts'
import type { WasmStorage } from './compiled-launch.ts'

/** What a capture gathers: stages with their arguments, the memory that lives and dies with the plan. */
export interface Recording {
  readonly args: ArgumentBuffer
  /** Table index, argument offset, label of each stage. */
  readonly stages: { readonly index: number; readonly offset: number; readonly label: string }[]
  /** For each launch, the number of stages that end with it. */
  readonly ends: number[]
  /** Memory for a tensor made inside the capture; what is freed inside is used again. */
  take(byteLength: number, why: string): WasmStorage
  /** Returns whether the storage belongs to the plan; it then stays reserved. */
  takeBack(storage: WasmStorage): boolean
  /**
   * Called before the host writes during the capture: every replay must find those bytes, so no launch of the plan may use the
   * same memory, neither one recorded before (the storage moves, unless a launch refers to it already) nor one recorded later.
   */
  keepWritten(storage: WasmStorage): void
  /** Scratch memory shared by all launches of the plan. */
  scratch(byteLength: number): number
  /** Keeps memory from outside alive as long as the plan. */
  pin(storages: readonly WasmStorage[]): void
  /** Frees the plan's memory; returns outside storages that were freed meanwhile and have no pin left. */
  dispose(): readonly WasmStorage[]
}

export function createRecording(arena: Arena): Recording {
  const blocks: number[] = []
  const own = new Set<WasmStorage>()
  const free: WasmStorage[] = []
  const pinned = new Set<WasmStorage>()
  const written = new Set<WasmStorage>()
  /** In memory that earlier launches use, and named by no launch yet. */
  const reused = new Set<WasmStorage>()
  let scratchAddress = 0
  let scratchSize = 0
  return {
    args: createArgumentBuffer(),
    stages: [],
    ends: [],
    take(byteLength, why) {
      // The smallest that fits, and none that wastes more than half of itself.
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
