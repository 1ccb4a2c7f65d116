import { storageFormat, type StoredTensor, type TensorData } from '@tessera-llm/formats'
import { findGgmlFormat } from '@tessera-llm/quantization'
import { bytesOf, decodeToF32, type DType, sizeOf, TesseraError, viewBytes } from '@tessera-llm/tensor'
import { withBlocks } from '../weights/index.ts'

/** Formats of unquantized elements. */
const dense: readonly string[] = ['f32', 'f16', 'bf16'] satisfies DType[]

/** A tensor under another name, copied piece by piece. */
export function copied(stored: StoredTensor, name: string): TensorData {
  return {
    name,
    shape: stored.shape,
    format: stored.format,
    read: (offset, length, signal) => stored.read(offset, length, signal),
  }
}

/**
 * Rows of a projection of `heads` heads in the other order of rotary pairs. In GGUF files of llama, channels 2i and 2i
 * + 1 of a head are rotated as a pair; in Hugging Face checkpoints, i and i + half. Whole rows move, so that blocks
 * stay unchanged.
 */
export function withRowsOf(
  stored: StoredTensor,
  name: string,
  heads: number,
  order: 'interleaved' | 'halves',
): TensorData {
  const rows = stored.shape[0] ?? 0
  const perHead = rows / heads
  if (!Number.isInteger(perHead / 2))
    throw new TesseraError(
      'invalid-file',
      `convert: ${stored.name} has ${rows} rows, which ${heads} heads of an even size do not make`,
    )
  return {
    name,
    shape: stored.shape,
    format: stored.format,
    async bytes() {
      const bytes = await stored.read()
      const rowBytes = bytes.length / rows
      const out = new Uint8Array(bytes.length)
      for (let row = 0; row < rows; row++) {
        const channel = row % perHead
        // Maps a channel of the interleaved order to the halved one, or the reverse.
        const from =
          order === 'interleaved'
            ? (channel >> 1) + (channel & 1) * (perHead / 2)
            : 2 * (channel % (perHead / 2)) + Math.floor(channel / (perHead / 2))
        const at = (row - channel + from) * rowBytes
        out.set(bytes.subarray(at, at + rowBytes), row * rowBytes)
      }
      return out
    },
  }
}

/** A vector as f32, with `shift` added. Throws `unsupported` if the sum cannot be inverted exactly. */
export function asF32(stored: StoredTensor, name: string, shift = 0): TensorData {
  return {
    name,
    shape: stored.shape,
    format: 'f32',
    async bytes() {
      const values = await floatsOf(stored)
      const shifted = values.map((value) => value + shift)
      if (shift === 0) return bytesOf(values)
      const odd = shift < 0 ? shifted.findIndex((value, i) => Math.fround(value - shift) !== values[i]) : -1
      if (odd >= 0)
        throw new TesseraError(
          'unsupported',
          `convert: ${stored.name} holds ${values[odd]} at index ${odd}, which f32 cannot hold less 1`,
        )
      return bytesOf(shifted)
    },
  }
}

/** A tensor with its exact values as f32, from any format. */
export function decoded(stored: StoredTensor, name: string): TensorData {
  const { shape, format } = stored
  return withBlocks(
    { name, shape, format: 'f32', bytes: async () => bytesOf(await floatsOf(stored)) },
    isDense(stored)
      ? undefined
      : async (signal) => ({ format, bytes: await stored.read(0, stored.byteLength, signal) }),
  )
}

/** Whether a tensor is plain f32, f16 or bf16. */
export function isDense({ format }: Pick<StoredTensor, 'format'>): boolean {
  return dense.includes(format)
}

/** Throws `unsupported` unless a GGUF file can hold the format. */
export function checkGgufType({ name, format }: Pick<StoredTensor, 'name' | 'format'>): void {
  if (storageFormat(format).ggufType === undefined)
    throw new TesseraError('unsupported', `convert: ${name} is stored as ${format}, for which GGUF has no type`, {
      details: { tensor: name },
    })
}

/** The name `target` in the other kind of file; throws `unsupported` if it is undefined. */
export function requireName({ name }: Pick<StoredTensor, 'name'>, target: string | undefined, kind: string): string {
  if (target !== undefined) return target
  throw new TesseraError('unsupported', `convert: the tensor ${name} has no name in ${kind}; nothing was written`, {
    details: { tensor: name },
  })
}

/** A tensor for safetensors; throws `unsupported` for blocks unless `decode` is set. */
export function forSafetensors(stored: StoredTensor, name: string, decode: boolean): TensorData {
  if (isDense(stored)) return copied(stored, name)
  if (decode) return decoded(stored, name)
  throw new TesseraError(
    'unsupported',
    `convert: ${stored.name} is stored as ${stored.format}, which safetensors cannot hold; convert with --decode to write its exact values as f32`,
    { details: { tensor: stored.name } },
  )
}

/**
 * Throws unless the embedding among a GGUF file's tensors has as many rows as the vocabulary of config.json; `source`
 * is its name in the folder.
 */
export function checkEmbedding(tensors: readonly TensorData[], vocabSize: number, source: string, what: string): void {
  const embedding = tensors.find((tensor) => tensor.name === 'token_embd.weight')
  if (!embedding) throw new TesseraError('invalid-file', `convert: the checkpoint has no ${source}; is it a ${what}?`)
  if (embedding.shape[0] !== vocabSize)
    throw new TesseraError(
      'invalid-file',
      `convert: config.json has a vocabulary of ${vocabSize}, but ${source} ${embedding.shape[0]} rows; the files belong to different models`,
    )
}

/** Reads the exact values. Throws `unsupported` for a format without a decoder. */
export async function floatsOf(stored: StoredTensor): Promise<Float32Array<ArrayBuffer>> {
  const bytes = await stored.read()
  if (isDense(stored)) {
    const dtype = stored.format as DType
    return decodeToF32(viewBytes(bytes, dtype), dtype, sizeOf(stored.shape))
  }
  const block = findGgmlFormat(stored.format)
  if (!block)
    throw new TesseraError(
      'unsupported',
      `convert: ${stored.name} is stored as ${stored.format}, which cannot be decoded`,
    )
  return block.decodeF32({ blocks: bytes }, stored.shape)
}
