import { ByteWriter } from '../src/sink/byte-writer.ts'

/** A tensor entry written exactly as given, in the file's axis order. */
export interface RawTensor {
  readonly name?: string
  readonly axes?: readonly (number | bigint)[]
  readonly axisCount?: number
  readonly type?: number
  readonly offset?: number | bigint
}

export interface RawGguf {
  readonly magic?: string
  readonly version?: number
  readonly tensorCount?: number | bigint
  readonly entryCount?: number | bigint
  /** Each writes an arbitrary key, type and value. */
  readonly entries?: readonly ((file: ByteWriter) => void)[]
  readonly tensors?: readonly RawTensor[]
  readonly dataBytes?: number
}

/** Bytes of an arbitrary GGUF file; by default a valid one without metadata and tensors. */
export function ggufBytes({
  magic = 'GGUF',
  version = 3,
  tensors = [],
  entries = [],
  dataBytes = 0,
  ...counts
}: RawGguf): Uint8Array {
  const file = new ByteWriter()
  file.raw(new TextEncoder().encode(magic))
  file.u32(version)
  file.u64(counts.tensorCount ?? tensors.length)
  file.u64(counts.entryCount ?? entries.length)
  for (const entry of entries) entry(file)
  for (const { name = 'a', axes = [8], axisCount = axes.length, type = 0, offset = 0 } of tensors) {
    file.string(name)
    file.u32(axisCount)
    for (const length of axes) file.u64(length)
    file.u32(type)
    file.u64(offset)
  }
  file.align(32)
  file.raw(new Uint8Array(dataBytes))
  return file.bytes()
}
