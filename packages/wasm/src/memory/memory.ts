import { TesseraError } from '@tessera-llm/tensor'
import { layout, pageBytes } from './layout.ts'

/** The memory of a device, shared with its workers if the platform allows it. */
export interface ArenaMemory {
  readonly memory: WebAssembly.Memory
  readonly isShared: boolean
  /** Views of the whole memory; growing replaces them. */
  bytes(): Uint8Array
  words(): Uint32Array
  /** Grows to at least `byteLength`; throws `out-of-memory`. */
  ensure(byteLength: number, why: string): void
}

/** 64 bytes short of 4 GiB: the last address is a 32-bit number. */
const maximumPages = 65_536
const minimumPages = 64

/** Smallest limit that a device may have, in bytes. */
export const minimumBytes: number = minimumPages * pageBytes

/**
 * Reserves address space for `maximumBytes` (default 4 GiB, less if the platform refuses) and commits almost none of
 * it.
 *
 * @throws TesseraError `out-of-memory` if not even 64 MiB can be reserved
 */
export function createMemory(isShared: boolean, maximumBytes: number | undefined): ArenaMemory {
  const wanted = Math.min(
    maximumPages,
    Math.max(minimumPages, Math.floor((maximumBytes ?? maximumPages * pageBytes) / pageBytes)),
  )
  const { memory, maximum } = reserve(isShared, wanted)
  let bytes = new Uint8Array(memory.buffer)
  let words = new Uint32Array(memory.buffer)
  const renew = (): void => {
    // Growing detaches an unshared buffer; old views of a shared one keep their length.
    if (bytes.byteLength === memory.buffer.byteLength) return
    bytes = new Uint8Array(memory.buffer)
    words = new Uint32Array(memory.buffer)
  }
  return {
    memory,
    isShared,
    bytes: () => bytes,
    words: () => words,
    ensure(byteLength, why) {
      const missing = byteLength - memory.buffer.byteLength
      if (missing <= 0) return
      // Grows by at least 1 MiB, so that small tensors do not cost a growth each.
      const pages = Math.max(Math.ceil(missing / pageBytes), 16)
      try {
        try {
          memory.grow(pages)
        } catch {
          memory.grow(Math.ceil(missing / pageBytes))
        }
      } catch (cause) {
        const limit =
          byteLength <= maximum * pageBytes
            ? 'the platform gives no more'
            : `${maximumBytes === undefined ? 'its limit' : 'maximumBytes'} is ${maximum * pageBytes}`
        throw new TesseraError(
          'out-of-memory',
          `wasm: ${why} needs the arena to grow to ${byteLength} bytes, but ${limit} (it holds ${memory.buffer.byteLength}); free tensors, use a smaller model, a shorter context or a more compact format`,
          {
            cause,
            details: { neededBytes: byteLength, arenaBytes: memory.buffer.byteLength },
          },
        )
      }
      renew()
    },
  }
}

function reserve(shared: boolean, wanted: number): { readonly memory: WebAssembly.Memory; readonly maximum: number } {
  const initial = Math.ceil((layout.heap + 1) / pageBytes)
  let refusal: unknown
  for (let maximum = wanted; maximum >= Math.min(wanted, 1024); maximum = Math.floor(maximum / 2)) {
    try {
      return { memory: new WebAssembly.Memory({ initial, maximum, shared }), maximum }
    } catch (error) {
      refusal = error
    }
  }
  throw new TesseraError(
    'out-of-memory',
    'wasm: the platform refuses to reserve 64 MiB of memory; close other pages or programs',
    { cause: refusal },
  )
}
