import { TesseraError } from '@tessera-llm/tensor'
import type { Shape } from '@tessera-llm/tensor'
import type { ByteSink } from '../sink/sink.ts'
import type { StorageFormat } from '../storage/storage-format.ts'
import { storageFormat, storedBytes } from '../storage/storage-format.ts'

/**
 * A tensor to write: its description, and its data as bytes, as a function called when their turn comes, or as ranges
 * copied piece by piece. A `StoredTensor` is one.
 */
export type TensorData = TensorDescription &
  (
    | { readonly bytes: Uint8Array | (() => Uint8Array | Promise<Uint8Array>) }
    | { read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> }
  )

/** Name, shape and format of a tensor to write. */
export interface TensorDescription {
  readonly name: string
  /** Row-major, outermost axis first. */
  readonly shape: Shape
  /** Id of a storage format. */
  readonly format: string
}

/** Options of the writers. */
export interface WriteOptions {
  readonly signal?: AbortSignal
  /** Called after each piece of tensor data with the bytes written so far and in total. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void
}

/** A validated tensor with its format and its position in the data. */
export interface PlacedTensor {
  readonly tensor: TensorData
  readonly format: StorageFormat
  readonly start: number
  readonly byteLength: number
}

/** Bytes that a copy holds in memory at a time. */
const pieceBytes = 16 * 1024 * 1024

/**
 * Places tensors one after the other, each at a multiple of `alignment`. Throws `invalid-value` for duplicate names and
 * shapes that do not fit.
 */
export function placeTensors(
  writer: string,
  tensors: readonly TensorData[],
  alignment: number,
): readonly PlacedTensor[] {
  const names = new Set<string>()
  let end = 0
  return tensors.map((tensor) => {
    if (names.has(tensor.name))
      throw new TesseraError('invalid-value', `${writer}: two tensors are called "${tensor.name}"`)
    names.add(tensor.name)
    const format = storageFormat(tensor.format)
    const byteLength = storedBytes(format, tensor.shape)
    if (typeof byteLength === 'string')
      throw new TesseraError('invalid-shape', `${writer}: tensor "${tensor.name}": ${byteLength}`)
    const start = Math.ceil(end / alignment) * alignment
    end = start + byteLength
    return { tensor, format, start, byteLength }
  })
}

/**
 * Writes the data of `placed` in order, zero-filled up to each start; `padEnd` also pads the end of the last tensor.
 */
export async function writeTensors(
  writer: string,
  placed: readonly PlacedTensor[],
  sink: ByteSink,
  options: WriteOptions,
  padEnd = 1,
): Promise<void> {
  const last = placed.at(-1)
  const total = last === undefined ? 0 : last.start + last.byteLength
  let begun = 0
  let done = 0
  let writing: Promise<void> | undefined
  // One piece is written while the next is made.
  const write = async (bytes: Uint8Array): Promise<void> => {
    await writing
    if (options.signal?.aborted === true)
      throw new TesseraError('aborted', `${writer}: writing was aborted`, { cause: options.signal.reason })
    begun += bytes.length
    writing = sink.write(bytes).then(() => {
      done += bytes.length
      options.onProgress?.(Math.min(done, total), total)
    })
    // A failure is thrown where it is awaited, which is later.
    writing.catch(() => {})
  }
  try {
    for (const { tensor, start, byteLength } of placed) {
      if (begun < start) await write(new Uint8Array(start - begun))
      if ('bytes' in tensor) {
        const bytes = typeof tensor.bytes === 'function' ? await tensor.bytes() : tensor.bytes
        checkLength(writer, tensor, bytes.length, byteLength)
        await write(bytes)
        continue
      }
      for (let offset = 0; offset < byteLength; offset += pieceBytes) {
        const length = Math.min(pieceBytes, byteLength - offset)
        const bytes = await tensor.read(offset, length, options.signal)
        checkLength(writer, tensor, bytes.length, length)
        await write(bytes)
      }
    }
    await writing
  } finally {
    await Promise.allSettled([writing])
  }
  const end = Math.ceil(total / padEnd) * padEnd
  if (done < end) await sink.write(new Uint8Array(end - done))
}

function checkLength(writer: string, tensor: TensorDescription, actual: number, expected: number): void {
  if (actual === expected) return
  const shape = `${tensor.format} of shape [${tensor.shape.join(', ')}]`
  throw new TesseraError(
    'invalid-value',
    `${writer}: tensor "${tensor.name}" gave ${actual} bytes where ${shape} needs ${expected}`,
  )
}

/** Runs a writer and then finishes the sink; aborts the sink if the writer fails. */
export async function finishing(sink: ByteSink, write: () => Promise<void>): Promise<void> {
  try {
    await write()
    await sink.finish()
  } catch (error) {
    await sink.abort()
    throw error
  }
}
