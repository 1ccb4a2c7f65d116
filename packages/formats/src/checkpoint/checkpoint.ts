import type { Shape } from '@tessera-llm/tensor'
import type { StoredCodes } from './stored-codes.ts'

/** A value of a container's metadata. 64-bit integers are numbers where that is exact and `bigint` where not. */
export type MetadataValue = number | bigint | boolean | string | readonly MetadataValue[]

/** A tensor as its file stores it: the bytes are read when asked for, whole or by range. */
export interface StoredTensor {
  readonly name: string
  /** Row-major, outermost axis first (a GGUF file lists its axes the other way round). */
  readonly shape: Shape
  /** Id of the storage format: `f32`, `q4_k`. See `storageFormats` for block sizes. */
  readonly format: string
  readonly byteLength: number
  /** Bytes `[offset, offset + length)` of the tensor's data; to its end without `length`. May share memory with the source. */
  read(offset?: number, length?: number, signal?: AbortSignal): Promise<Uint8Array>
  /** Fills `target`, which may be shared memory, with the data from `offset` on. Absent where that saves nothing over `read`. */
  readInto?(target: Uint8Array, offset: number, signal?: AbortSignal): Promise<void>
  /** For loaders: the same values in fewer bytes. */
  readonly codes?: StoredCodes | undefined
}

/** What a model file holds: metadata and named tensors. Closing it closes its sources. */
export interface Checkpoint {
  readonly container: 'gguf' | 'safetensors'
  readonly metadata: Readonly<Record<string, MetadataValue>>
  /** In the file's order. */
  readonly tensors: ReadonlyMap<string, StoredTensor>
  /** Size of all files together. */
  readonly byteLength: number
  close(): Promise<void>
}
