import { TesseraError } from '@tessera-llm/tensor'

/**
 * Clears the shared flag in the memory import: modules are compiled for shared memory, and this byte is the only one
 * that says so. https://webassembly.github.io/spec/core/binary/types.html#limits (threads proposal: flag 2 is
 * "shared").
 */
export function withUnsharedMemory(module: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const bytes = module.slice()
  let at = 8
  const u32 = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] ?? 0
      value |= (byte & 127) << shift
      if (byte < 128) return value >>> 0
    }
  }
  // Not `at += u32()`: that reads `at` before the call moves it.
  const skipName = (): void => {
    const length = u32()
    at += length
  }
  while (at < bytes.length) {
    const section = bytes[at++]
    const end = u32() + at
    if (section === 2) {
      for (let count = u32(); count > 0; count--) {
        skipName()
        skipName()
        const kind = bytes[at++]
        if (kind === 2) {
          bytes[at] = (bytes[at] ?? 0) & ~2
          return bytes
        }
        if (kind === 1) {
          at++
          if ((bytes[at++] ?? 0) & 1) u32()
          u32()
        } else if (kind === 0) u32()
        else break
      }
    }
    at = end
  }
  throw new TesseraError(
    'invalid-kernel',
    'wasm: a kernel module imports no memory; build it with the options of CONTRIBUTING.md',
  )
}
