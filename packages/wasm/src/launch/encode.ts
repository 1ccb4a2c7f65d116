import type { ArgumentWriter } from '../kernel/kernel.ts'

/** Collects the words of argument blocks; each block starts at a multiple of 64 bytes. */
export interface ArgumentBuffer {
  readonly writer: ArgumentWriter
  /** Starts a block and returns its offset in bytes. */
  begin(): number
  readonly byteLength: number
  /** The words so far. */
  words(): Uint32Array
  clear(): void
}

export function createArgumentBuffer(): ArgumentBuffer {
  let words = new Uint32Array(1024)
  let floats = new Float32Array(words.buffer)
  let length = 0
  // Must run before `words` is read: it may replace the array.
  const room = (): number => {
    if (length === words.length) {
      const grown = new Uint32Array(words.length * 2)
      grown.set(words)
      words = grown
      floats = new Float32Array(words.buffer)
    }
    return length++
  }
  const writer: ArgumentWriter = {
    u32(value) {
      const at = room()
      words[at] = value
      return writer
    },
    i32(value) {
      const at = room()
      words[at] = value
      return writer
    },
    f32(value) {
      const at = room()
      floats[at] = value
      return writer
    },
  }
  return {
    writer,
    begin() {
      while (length % 16 !== 0) writer.u32(0)
      return length * 4
    },
    get byteLength() {
      return length * 4
    },
    words: () => words.subarray(0, length),
    clear() {
      length = 0
    },
  }
}
