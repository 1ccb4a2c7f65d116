import type { Shape } from '@tessera-llm/tensor'
import type { StoredCodes } from './stored-codes.ts'

/** A metadata value. 64-bit integers are numbers if exact, otherwise `bigint`. */
export type MetadataValue = number | bigint | boolean | string | readonly MetadataValue[]

/** A tensor as its file stores it. Bytes are read on demand, whole or by range. */
export interface StoredTensor {
  readonly name: string
  /** Row-major, outermost axis first (GGUF files list axes in reverse). */
  readonly shape: Shape
  /** Id of the storage format: `f32`, `q4_k`. See `storageFormats` for block sizes. */
  readonly format: string
  readonly byteLength: number
  /**
   * Reads bytes `[offset, offset + length)` of the tensor's data; to its end without `length`. May share memory with
   * the source.
   */
  read(offset?: number, length?: number, signal?: AbortSignal): Promise<Uint8Array>
  /**
   * Fills `target`, which may be shared memory, with the data from `offset` on. Absent if it saves nothing over `read`.
   */
  readInto?(target: Uint8Array, offset: number, signal?: AbortSignal): Promise<void>
  /** For loaders: the same values in fewer bytes. */
  readonly codes?: StoredCodes | undefined
}

/** Contents of a model file: metadata and named tensors. Closing it closes its sources. */
export interface Checkpoint {
  readonly container: 'gguf' | 'safetensors'
  readonly metadata: Readonly<Record<string, MetadataValue>>
  /** Tensors by name, in file order. */
  readonly tensors: ReadonlyMap<string, StoredTensor>
  /** Total size of all files. */
  readonly byteLength: number
  close(): Promise<void>
}
