import type { MutableCounters } from '../device/counters.ts'
import { bindGroupOf } from '../launch/bind.ts'
import type { CompiledPass } from '../launch/compile.ts'
import type { CommandStream } from '../launch/stream.ts'
import type { FailureState } from '../failure/failure.ts'
import { composePass } from '../kernel/prelude.ts'
import type { PipelineCache } from '../pipeline/cache.ts'
import type { WebGpuStorage } from './pool.ts'
import source from './write-edges.wgsl'

/** Bytes per `writeBuffer`; bounds the implementation's intermediate copy. */
const chunkBytes = 64 << 20

export interface UploadContext {
  readonly device: GPUDevice
  readonly stream: CommandStream
  readonly failures: FailureState
  readonly counters: MutableCounters
  readonly pipelines: PipelineCache
  /** Runs `use` with a small single-use buffer; ordered like every other. */
  scratch<T>(byteLength: number, use: (storage: WebGpuStorage) => T): T
}

/**
 * Copies bytes into a tensor at any byte offset, after everything dispatched so far. WebGPU writes whole words only:
 * bytes past the end of the tensor may become zero, bytes inside it are merged by a one-word kernel.
 */
export function createUpload(
  context: UploadContext,
): (storage: WebGpuStorage, bytes: Uint8Array, offsetBytes: number) => void {
  const { device, stream, failures, counters, pipelines } = context
  const passes = new Map<number, CompiledPass>()

  const writeWords = (storage: WebGpuStorage, offset: number, bytes: Uint8Array): void => {
    if (stream.uses(storage.slot)) stream.flush()
    for (let at = 0; at < bytes.byteLength; at += chunkBytes) {
      const part = bytes.subarray(at, at + chunkBytes)
      device.queue.writeBuffer(storage.slot.buffer, offset + at, part.buffer, part.byteOffset, part.byteLength)
    }
    counters.bytesWritten += bytes.byteLength
  }

  const mergeEdges = (storage: WebGpuStorage, edges: readonly (readonly [number, number, number])[]): void => {
    let pass = passes.get(edges.length)
    if (!pass) {
      const composed = composePass({
        name: 'write-edges',
        source,
        bindings: [
          { name: 'words', tensor: 'words', access: 'read_write', type: 'array<u32>' },
          { name: 'edges', tensor: 'edges', access: 'read', type: 'array<u32>' },
        ],
        workgroups: [edges.length, 1, 1],
      })
      pass = {
        label: 'write-edges',
        pipeline: pipelines.entry(composed, 'write-edges'),
        tensors: ['words', 'edges'],
        writes: [true, false],
        uniform: undefined,
        workgroups: [edges.length, 1, 1],
        bindGroups: new Map(),
      }
      passes.set(edges.length, pass)
    }
    const compiled = pass
    context.scratch(edges.length * 16, (scratch) => {
      writeWords(scratch, 0, new Uint8Array(new Uint32Array(edges.flatMap((edge) => [...edge, 0])).buffer))
      const group = bindGroupOf(compiled, [storage, scratch], device, failures, counters)
      stream.dispatch({ pass: compiled, group })
      storage.slot.batch = stream.batch
      scratch.slot.batch = stream.batch
    })
  }

  return (storage, bytes, offsetBytes) => {
    const end = offsetBytes + bytes.byteLength
    const firstWord = Math.ceil(offsetBytes / 4) * 4
    const lastWord = Math.max(firstWord, Math.floor(end / 4) * 4)
    const edges: [number, number, number][] = []
    const edge = (word: number): void => {
      let keep = 0
      let value = 0
      for (let byte = 0; byte < 4; byte++) {
        const at = word + byte
        if (at < offsetBytes || at >= end) keep |= 0xff << (byte * 8)
        else value |= (bytes[at - offsetBytes] as number) << (byte * 8)
      }
      edges.push([word / 4, keep >>> 0, value >>> 0])
    }
    if (firstWord > offsetBytes) edge(firstWord - 4)
    if (lastWord > firstWord)
      writeWords(storage, firstWord, bytes.subarray(firstWord - offsetBytes, lastWord - offsetBytes))
    if (end > lastWord) {
      if (end >= storage.byteLength) {
        const tail = new Uint8Array(4)
        tail.set(bytes.subarray(lastWord - offsetBytes))
        writeWords(storage, lastWord, tail)
      } else edge(lastWord)
    }
    if (edges.length > 0) mergeEdges(storage, edges)
  }
}
