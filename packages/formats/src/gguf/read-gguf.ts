import { TesseraError } from '@tessera-llm/tensor'
import type { Checkpoint, MetadataValue, StoredTensor } from '../checkpoint/checkpoint.ts'
import { checkExtents } from '../checkpoint/extents.ts'
import type { Extent } from '../checkpoint/extents.ts'
import { invalidFile, quoted } from '../checkpoint/invalid-file.ts'
import { storedTensor } from '../checkpoint/stored-tensor.ts'
import type { ByteSource } from '../source/source.ts'
import { storageFormatOfGgufType, storedBytes } from '../storage/storage-format.ts'
import { checkAlignment } from './alignment.ts'
import { HeaderReader } from './header-reader.ts'
import type { GgufLimits } from './limits.ts'
import { defaultGgufLimits } from './limits.ts'
import type { GgufValue } from './metadata.ts'
import { ggufMagic, setPlainValue } from './metadata.ts'

/** A GGUF file, with typed metadata as a writer needs them. */
export interface GgufCheckpoint extends Checkpoint {
  readonly container: 'gguf'
  readonly version: number
  /** Tensor data begin at multiples of this many bytes. */
  readonly alignment: number
  readonly typedMetadata: ReadonlyMap<string, GgufValue>
}

/** Bytes of the smallest metadata entry: a one-byte key with its length, a type, and a one-byte value. */
const minEntryBytes = 8 + 1 + 4 + 1
/** Bytes of the smallest tensor entry: a one-byte name with its length, axis count, type and offset. */
const minTensorBytes = 8 + 1 + 4 + 4 + 8

/** A tensor's header entry, before its place in the file is checked. */
interface TensorEntry {
  readonly name: string
  readonly shape: readonly number[]
  readonly format: string
  readonly byteLength: number
  readonly offset: number
  /** Byte offset of the field `offset` in the header, for messages. */
  readonly offsetAt: number
}

/**
 * Reads the header of a GGUF file, version 2 or 3, little-endian. Reads no tensor data. The source stays open until the
 * checkpoint is closed; after an error, the caller must close it.
 * Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
 *
 * @throws TesseraError `invalid-file`, naming field and byte offset, for anything that breaks the format or exceeds
 * `limits`; `unsupported` for other versions and big-endian files; `aborted` after `signal`
 */
export async function readGguf(
  source: ByteSource,
  options: { readonly limits?: Partial<GgufLimits>; readonly signal?: AbortSignal | undefined } = {},
): Promise<GgufCheckpoint> {
  const limits = { ...defaultGgufLimits, ...options.limits }
  const reader = new HeaderReader(source, limits, options.signal)
  const version = await readVersion(reader, source.name)
  const tensorCount = await reader.count('tensor count', limits.tensors, 'tensors', minTensorBytes)
  const entryCount = await reader.count('metadata count', limits.metadataEntries, 'entries', minEntryBytes)

  const typed = new Map<string, GgufValue>()
  for (let i = 0; i < entryCount; i++) {
    const at = reader.offset
    const key = await reader.string(`metadata key ${i}`, limits.keyBytes)
    if (key === '') throw reader.invalid(`metadata key ${i}`, at, 'is empty')
    if (typed.has(key)) throw reader.invalid(`metadata key ${quoted(key)}`, at, 'appears twice')
    typed.set(key, await reader.value(key))
  }
  const alignment = checkAlignment(typed, 'invalid-file', source.name)

  const entries = new Map<string, TensorEntry>()
  for (let i = 0; i < tensorCount; i++) {
    const at = reader.offset
    const entry = await readTensorEntry(reader, i, limits)
    if (entries.has(entry.name)) throw reader.invalid(`tensor name ${quoted(entry.name)}`, at, 'appears twice')
    entries.set(entry.name, entry)
  }
  const dataStart = Math.ceil(reader.offset / alignment) * alignment
  return assemble(source, { version, alignment, typed, entries: [...entries.values()], dataStart })
}

async function readVersion(reader: HeaderReader, name: string): Promise<number> {
  const magic = await reader.u32('magic')
  if (magic !== ggufMagic)
    throw reader.invalid('magic', 0, `0x${magic.toString(16).padStart(8, '0')} is not "GGUF"; this is no GGUF file`)
  const version = await reader.u32('version')
  if (version !== 0 && (version & 0xffff) === 0) {
    throw new TesseraError(
      'unsupported',
      `${name}: the GGUF file is big-endian (version at byte 4); convert it with gguf_convert_endian.py of llama.cpp`,
    )
  }
  if (version !== 2 && version !== 3) {
    throw new TesseraError(
      'unsupported',
      `${name}: GGUF version ${version} at byte 4 is not supported (2 and 3 are); convert the model anew`,
    )
  }
  return version
}

async function readTensorEntry(reader: HeaderReader, index: number, limits: GgufLimits): Promise<TensorEntry> {
  const nameAt = reader.offset
  const name = await reader.string(`name of tensor ${index}`, limits.tensorNameBytes)
  if (name === '') throw reader.invalid(`name of tensor ${index}`, nameAt, 'is empty')
  const field = `tensor ${quoted(name)}`

  const axesAt = reader.offset
  const axes = await reader.u32(`axis count of ${field}`)
  if (axes > limits.axes)
    throw reader.invalid(`axis count of ${field}`, axesAt, `${axes} axes are more than the limit of ${limits.axes}`)
  const shape: number[] = []
  for (let axis = 0; axis < axes; axis++) shape.unshift(await reader.exact(`length of axis ${axis} of ${field}`))

  const typeAt = reader.offset
  const type = await reader.u32(`type of ${field}`)
  const format = storageFormatOfGgufType(type)
  if (format === undefined) {
    throw reader.invalid(
      `type of ${field}`,
      typeAt,
      `${type} is no known ggml type${removedTypes.has(type) ? ' any more; convert the model anew' : ''}`,
    )
  }
  const byteLength = storedBytes(format, shape)
  if (typeof byteLength === 'string') throw reader.invalid(`shape of ${field}`, axesAt, byteLength)

  const offsetAt = reader.offset
  const offset = await reader.exact(`offset of ${field}`)
  return { name, shape, format: format.id, byteLength, offset, offsetAt }
}

/** Types that llama.cpp removed: q4_2, q4_3, and variants of q4_0 and iq4_nl repacked for one CPU. */
const removedTypes: ReadonlySet<number> = new Set([4, 5, 31, 32, 33, 36, 37, 38])

interface Header {
  readonly version: number
  readonly alignment: number
  readonly typed: ReadonlyMap<string, GgufValue>
  readonly entries: readonly TensorEntry[]
  /** Byte of the file that tensor offsets are relative to. */
  readonly dataStart: number
}

function assemble(source: ByteSource, header: Header): GgufCheckpoint {
  const { alignment, dataStart, entries, typed } = header
  const extents: Extent[] = entries.map((entry) => {
    if (entry.offset % alignment !== 0) {
      const problem = `${entry.offset} is not a multiple of the alignment ${alignment}`
      throw invalidFile(source.name, `offset of tensor ${quoted(entry.name)}`, entry.offsetAt, problem)
    }
    const start = dataStart + entry.offset
    return { name: entry.name, start, end: start + entry.byteLength, fieldAt: entry.offsetAt }
  })
  checkExtents(source.name, source.size, extents)

  const tensors = new Map<string, StoredTensor>()
  for (const { name, shape, format, byteLength, offset } of entries) {
    tensors.set(name, storedTensor(source, name, shape, format, dataStart + offset, byteLength))
  }
  // Without a prototype, a key such as `__proto__` is an entry like any other.
  const metadata = Object.create(null) as Record<string, MetadataValue>
  for (const [key, value] of typed) setPlainValue(metadata, key, value)
  return {
    container: 'gguf',
    version: header.version,
    alignment,
    metadata,
    typedMetadata: typed,
    tensors,
    byteLength: source.size,
    close: () => source.close(),
  }
}
