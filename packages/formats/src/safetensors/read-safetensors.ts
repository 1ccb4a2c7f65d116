import type { Checkpoint, MetadataValue, StoredTensor } from '../checkpoint/checkpoint.ts'
import { checkExtents } from '../checkpoint/extents.ts'
import type { Extent } from '../checkpoint/extents.ts'
import { invalidFile, quoted } from '../checkpoint/invalid-file.ts'
import { storedTensor } from '../checkpoint/stored-tensor.ts'
import type { ByteSource } from '../source/source.ts'
import { storageFormatOfDtype, storedBytes } from '../storage/storage-format.ts'
import { HeaderJson } from './header-json.ts'
import type { SafetensorsShards } from './read-shards.ts'
import { readShards } from './read-shards.ts'

/** Header limit of the reference implementation. */
const maxHeaderBytes = 100_000_000
/** Bytes of the length field before the header. */
const prefixBytes = 8
const maxAxes = 32
const maxTensors = 262_144

interface TensorEntry {
  readonly name: string
  readonly shape: readonly number[]
  readonly format: string
  readonly begin: number
  readonly end: number
  readonly fieldAt: number
}

/**
 * Reads the header of a safetensors file, or of all files of a sharded model (`{ index, open }`). Reads no tensor data.
 * Sources stay open until the checkpoint is closed; after an error, the caller must close those it passed in.
 * Format: https://github.com/huggingface/safetensors#format
 *
 * @throws TesseraError `invalid-file`, naming field and byte offset, for anything that breaks the format
 */
export async function readSafetensors(from: ByteSource | SafetensorsShards): Promise<Checkpoint> {
  return 'index' in from ? readShards(from, readFile) : readFile(from)
}

async function readFile(source: ByteSource): Promise<Checkpoint> {
  const header = await readHeaderBytes(source)
  const json = new HeaderJson(header, source.name, prefixBytes)
  const metadata = Object.create(null) as Record<string, MetadataValue>
  const entries: TensorEntry[] = []
  json.object('header', (key, keyAt) => {
    if (key === '__metadata__') {
      json.object('"__metadata__"', (name) => {
        metadata[name] = json.string(`"__metadata__" ${quoted(name)}`)
      })
    } else if (entries.length === maxTensors)
      throw json.invalid('header', keyAt, `lists more than ${maxTensors} tensors`)
    else entries.push(readEntry(json, key, keyAt))
  })
  json.end('header')
  return assemble(source, metadata, entries, prefixBytes + header.length)
}

async function readHeaderBytes(source: ByteSource): Promise<Uint8Array> {
  if (source.size < prefixBytes)
    throw invalidFile(source.name, 'header length', 0, `needs ${prefixBytes} bytes, but the file has ${source.size}`)
  const prefix = await source.read(0, prefixBytes)
  const length = new DataView(prefix.buffer, prefix.byteOffset, prefixBytes).getBigUint64(0, true)
  if (length > maxHeaderBytes) {
    throw invalidFile(
      source.name,
      'header length',
      0,
      `${length} bytes are more than the limit of ${maxHeaderBytes}; this may be no safetensors file`,
    )
  }
  if (Number(length) > source.size - prefixBytes) {
    throw invalidFile(
      source.name,
      'header length',
      0,
      `${length} bytes reach beyond the end of the file, which has ${source.size} bytes (truncated?)`,
    )
  }
  return source.read(prefixBytes, Number(length))
}

function readEntry(json: HeaderJson, name: string, keyAt: number): TensorEntry {
  const field = `tensor ${quoted(name)}`
  let dtype: string | undefined
  let shape: readonly number[] | undefined
  let offsets: readonly number[] | undefined
  let dtypeAt = keyAt
  let shapeAt = keyAt
  let fieldAt = keyAt
  json.object(field, (key, at) => {
    if (key === 'dtype') [dtypeAt, dtype] = [at, json.string(`dtype of ${field}`)]
    else if (key === 'shape') [shapeAt, shape] = [at, json.integers(`shape of ${field}`, maxAxes)]
    else if (key === 'data_offsets') [fieldAt, offsets] = [at, json.integers(`data_offsets of ${field}`, 2)]
    else
      throw json.invalid(
        `${quoted(key)} of ${field}`,
        at,
        'is no field of a tensor (dtype, shape and data_offsets are)',
      )
  })
  const [begin, end] = offsets ?? []
  if (dtype === undefined) throw json.invalid(`dtype of ${field}`, keyAt, 'is missing')
  if (shape === undefined) throw json.invalid(`shape of ${field}`, keyAt, 'is missing')
  if (begin === undefined || end === undefined)
    throw json.invalid(`data_offsets of ${field}`, fieldAt, 'must be two numbers')
  if (end < begin) throw json.invalid(`data_offsets of ${field}`, fieldAt, `[${begin}, ${end}] ends before it begins`)

  const format = storageFormatOfDtype(dtype)
  if (format === undefined) throw json.invalid(`dtype of ${field}`, dtypeAt, `${quoted(dtype)} is no known dtype`)
  const bytes = storedBytes(format, shape)
  if (typeof bytes === 'string') throw json.invalid(`shape of ${field}`, shapeAt, bytes)
  if (bytes !== end - begin) {
    const problem = `[${begin}, ${end}] are ${end - begin} bytes, but ${dtype} of shape [${shape.join(', ')}] takes ${bytes}`
    throw json.invalid(`data_offsets of ${field}`, fieldAt, problem)
  }
  return { name, shape, format: format.id, begin, end, fieldAt }
}

function assemble(
  source: ByteSource,
  metadata: Record<string, MetadataValue>,
  entries: readonly TensorEntry[],
  dataStart: number,
): Checkpoint {
  const extents: Extent[] = entries.map(({ name, begin, end, fieldAt }) => ({
    name,
    start: dataStart + begin,
    end: dataStart + end,
    fieldAt,
  }))
  checkExtents(source.name, source.size, extents)
  checkFilled(source, entries, dataStart)
  const tensors = new Map<string, StoredTensor>()
  for (const { name, shape, format, begin, end } of entries)
    tensors.set(name, storedTensor(source, name, shape, format, dataStart + begin, end - begin))
  return { container: 'safetensors', metadata, tensors, byteLength: source.size, close: () => source.close() }
}

/**
 * Throws unless the tensors fill the data: the format allows no unused byte. Extents inside the file that do not
 * overlap fill it if their sum does.
 */
function checkFilled(source: ByteSource, entries: readonly TensorEntry[], dataStart: number): void {
  let stored = 0
  for (const { begin, end } of entries) stored += end - begin
  const dataBytes = source.size - dataStart
  if (stored !== dataBytes) {
    throw invalidFile(
      source.name,
      'data',
      dataStart,
      `has ${dataBytes} bytes, but the tensors take ${stored}; the format allows no gaps`,
    )
  }
}
