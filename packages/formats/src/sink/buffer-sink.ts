import { TesseraError } from '@tessera-llm/tensor'
import { allocate } from '../source/source.ts'
import type { ByteSink } from './sink.ts'

/** Sink in memory. `bytes()` is the file once the writer has finished it. */
export function bufferSink(): ByteSink & { bytes(): Uint8Array<ArrayBuffer> } {
  let chunks: Uint8Array[] = []
  let size = 0
  let finished = false
  return {
    async write(bytes: Uint8Array): Promise<void> {
      // The caller may reuse its buffer.
      chunks.push(bytes.slice())
      size += bytes.length
    },
    async finish(): Promise<void> {
      finished = true
    },
    async abort(): Promise<void> {
      if (finished) return
      chunks = []
      size = 0
    },
    bytes(): Uint8Array<ArrayBuffer> {
      if (!finished)
        throw new TesseraError(
          'invalid-value',
          'bufferSink: the file is not finished; await the writer before taking its bytes',
        )
      const whole = allocate('bufferSink', size)
      let at = 0
      for (const chunk of chunks) {
        whole.set(chunk, at)
        at += chunk.length
      }
      return whole
    },
  }
}
