import { TesseraError } from '@tessera-llm/tensor'
import type { TensorData, WriteOptions } from '../checkpoint/tensor-data.ts'
import { finishing, type PlacedTensor, placeTensors, writeTensors } from '../checkpoint/tensor-data.ts'
import { ByteWriter } from '../sink/byte-writer.ts'
import type { ByteSink } from '../sink/sink.ts'
import { checkAlignment } from './alignment.ts'
import type { GgufArray, GgufScalarType, GgufValue } from './metadata.ts'
import { ggufMagic, ggufValueTypes } from './metadata.ts'

/** Contents of a GGUF file. */
export interface GgufContent {
  /** Metadata in file order. `general.alignment` sets the alignment of the data (default 32). */
  readonly metadata: ReadonlyMap<string, GgufValue>
  readonly tensors: readonly TensorData[]
}

/**
 * Writes GGUF version 3, little-endian, and finishes the sink; aborts it on any error. Requests data one tensor after
 * the other.
 *
 * @throws TesseraError `invalid-value` for values outside their type, duplicate names and data of the wrong length;
 * `invalid-shape` for rows that are not whole blocks; `unsupported` for formats without a ggml type
 */
export async function writeGguf(content: GgufContent, sink: ByteSink, options: WriteOptions = {}): Promise<void> {
  await finishing(sink, async () => {
    const { header, placed, alignment } = layOut(content)
    await sink.write(header)
    // llama.cpp expects the file to end on a multiple of the alignment.
    await writeTensors('writeGguf', placed, sink, options, alignment)
  })
}

/**
 * File size in bytes that `writeGguf` would write; requests no data. Throws like `writeGguf` for names, shapes and
 * metadata.
 */
export function ggufByteLength(content: GgufContent): number {
  const { header, placed, alignment } = layOut(content)
  const last = placed.at(-1)
  return header.length + (last === undefined ? 0 : Math.ceil((last.start + last.byteLength) / alignment) * alignment)
}

/** Header bytes, padded to the start of the data, and the positions of the tensors. */
function layOut({ metadata, tensors }: GgufContent): {
  readonly header: Uint8Array
  readonly placed: readonly PlacedTensor[]
  readonly alignment: number
} {
  const alignment = checkAlignment(metadata, 'invalid-value', 'writeGguf')
  const placed = placeTensors('writeGguf', tensors, alignment)
  const header = new ByteWriter()
  header.u32(ggufMagic)
  header.u32(3)
  header.u64(placed.length)
  header.u64(metadata.size)
  for (const [key, value] of metadata) {
    if (key === '') throw new TesseraError('invalid-value', 'writeGguf: a metadata key is empty')
    header.string(wellFormed(key, 'a metadata key'))
    header.u32(ggufValueTypes.indexOf(value.type))
    if (value.type === 'array') writeArray(header, value, `metadata "${key}"`)
    else writeScalar(header, value.type, value.value, `metadata "${key}"`)
  }
  for (const { tensor, format, start } of placed) {
    if (format.ggufType === undefined) {
      throw new TesseraError(
        'unsupported',
        `writeGguf: tensor "${tensor.name}" is stored as ${format.id}, for which GGUF has no type; convert it first`,
      )
    }
    if (tensor.shape.length > 4) {
      throw new TesseraError(
        'invalid-shape',
        `writeGguf: tensor "${tensor.name}" has ${tensor.shape.length} axes; GGUF has at most 4`,
      )
    }
    header.string(wellFormed(tensor.name, 'a tensor name'))
    header.u32(tensor.shape.length)
    for (const length of [...tensor.shape].reverse()) header.u64(length)
    header.u32(format.ggufType)
    header.u64(start)
  }
  header.align(alignment)
  return { header: header.bytes(), placed, alignment }
}

function writeArray(header: ByteWriter, array: GgufArray, field: string): void {
  header.u32(ggufValueTypes.indexOf(array.items))
  header.u64(array.value.length)
  if (array.items === 'array') for (const inner of array.value) writeArray(header, inner, field)
  else for (const value of array.value) writeScalar(header, array.items, value, field)
}

const ranges: Readonly<Record<Exclude<GgufScalarType, 'bool' | 'string' | 'f32' | 'f64'>, readonly [bigint, bigint]>> =
  {
    u8: [0n, 0xffn],
    i8: [-0x80n, 0x7fn],
    u16: [0n, 0xffffn],
    i16: [-0x8000n, 0x7fffn],
    u32: [0n, 0xffff_ffffn],
    i32: [-0x8000_0000n, 0x7fff_ffffn],
    u64: [0n, 2n ** 64n - 1n],
    i64: [-(2n ** 63n), 2n ** 63n - 1n],
  }

function writeScalar(header: ByteWriter, type: GgufScalarType, value: unknown, field: string): void {
  if (type === 'string' && typeof value === 'string') header.string(wellFormed(value, field))
  else if (type === 'bool' && typeof value === 'boolean') header.u8(value ? 1 : 0)
  else if ((type === 'f32' || type === 'f64') && typeof value === 'number') header[type](value)
  else if (type !== 'string' && type !== 'bool' && type !== 'f32' && type !== 'f64')
    writeInteger(header, type, value, field)
  else throw new TesseraError('invalid-value', `writeGguf: ${field} holds ${String(value)}, which is no ${type}`)
}

function writeInteger(header: ByteWriter, type: keyof typeof ranges, value: unknown, field: string): void {
  const [least, most] = ranges[type]
  const exact = typeof value === 'bigint' || (typeof value === 'number' && Number.isSafeInteger(value))
  if (!exact || value < least || value > most)
    throw new TesseraError('invalid-value', `writeGguf: ${field} holds ${String(value)}, which is no ${type}`)
  if (type === 'u64' || type === 'i64') header[type](value)
  else header[type](Number(value))
}

/** An unpaired surrogate has no UTF-8 and would be replaced silently. */
function wellFormed(text: string, field: string): string {
  if (/\p{Surrogate}/u.test(text))
    throw new TesseraError('invalid-value', `writeGguf: ${field} is not well-formed Unicode: ${JSON.stringify(text)}`)
  return text
}
