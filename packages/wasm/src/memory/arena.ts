import { alignment, layout } from './layout.ts'
import type { ArenaMemory } from './memory.ts'

export interface Arena {
  /** Address of `byteLength` bytes, a multiple of 64; contents undefined. Throws `out-of-memory`. */
  take(byteLength: number, why: string): number
  give(address: number): void
  /** Bytes between the first and the last block in use. */
  readonly extent: number
}

interface Range {
  start: number
  end: number
}

/**
 * First fit over free ranges in address order; neighbors merge when freed. Tensors are few and large, so a list is
 * enough.
 */
export function createArena(memory: ArenaMemory): Arena {
  const free: Range[] = []
  const sizes = new Map<number, number>()
  let top: number = layout.heap

  return {
    get extent() {
      return top - layout.heap
    },
    take(byteLength, why) {
      const size = Math.max(alignment, Math.ceil(byteLength / alignment) * alignment)
      const index = free.findIndex((range) => range.end - range.start >= size)
      const range = free[index]
      let address: number
      if (range) {
        address = range.start
        range.start += size
        if (range.start === range.end) free.splice(index, 1)
      } else {
        // A free range at the top grows instead of leaving a hole.
        const last = free.at(-1)
        address = last && last.end === top ? last.start : top
        memory.ensure(address + size, why)
        if (address < top) free.pop()
        top = address + size
      }
      sizes.set(address, size)
      return address
    },
    give(address) {
      const size = sizes.get(address)
      if (size === undefined) return
      sizes.delete(address)
      const end = address + size
      let index = free.findIndex((range) => range.start > address)
      if (index < 0) index = free.length
      const before = free[index - 1]
      const after = free[index]
      const joinsBefore = before?.end === address
      const joinsAfter = after?.start === end
      if (before && joinsBefore) {
        before.end = joinsAfter && after ? after.end : end
        if (joinsAfter) free.splice(index, 1)
      } else if (after && joinsAfter) after.start = address
      else free.splice(index, 0, { start: address, end })
      const last = free.at(-1)
      if (last?.end === top) {
        top = last.start
        free.pop()
      }
    },
  }
}
