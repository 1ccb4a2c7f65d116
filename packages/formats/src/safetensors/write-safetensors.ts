import { TesseraError } from '@tessera-llm/tensor'
import type { PlacedTensor, TensorData, WriteOptions } from '../checkpoint/tensor-data.ts'
import { finishing, placeTensors, writeTensors } from '../checkpoint/tensor-data.ts'
import { ByteWriter } from '../sink/byte-writer.ts'
import type { ByteSink } from '../sink/sink.ts'
import { storageFormat } from '../storage/storage-format.ts'

/** Contents of a safetensors file. */
export interface SafetensorsContent {
  readonly metadata?: Readonly<Record<string, string>>
  readonly tensors: readonly TensorData[]
}

/** Padding of the header: readers map the file and expect aligned tensors. */
const headerAlignment = 8

/**
 * Writes a safetensors file and finishes the sink; aborts it on any error. Tensors are sorted by element size, largest
 * first, so that each is aligned without gaps, which the format forbids.
 *
 * @throws TesseraError `invalid-value` for duplicate names and data of the wrong length; `unsupported` for formats
 * without a dtype
 */
export async function writeSafetensors(
  content: SafetensorsContent,
  sink: ByteSink,
  options: WriteOptions = {},
): Promise<void> {
  await finishing(sink, async () => {
    const { header, placed } = layOut(content)
    await sink.write(header)
    await writeTensors('writeSafetensors', placed, sink, options)
  })
}

/**
 * File size in bytes that `writeSafetensors` would write; requests no data. Throws like `writeSafetensors` for names
 * and formats.
 */
export function safetensorsByteLength(content: SafetensorsContent): number {
  const { header, placed } = layOut(content)
  return placed.reduce((sum, { byteLength }) => sum + byteLength, header.length)
}

/** Header bytes, padded to the start of the data, and the positions of the tensors. */
function layOut({ metadata = {}, tensors }: SafetensorsContent): {
  readonly header: Uint8Array
  readonly placed: readonly PlacedTensor[]
} {
  const placed = placeTensors('writeSafetensors', sorted(tensors), 1)
  const header = new ByteWriter()
  const json = new TextEncoder().encode(headerJson(metadata, placed))
  const padded = Math.ceil(json.length / headerAlignment) * headerAlignment
  header.u64(padded)
  header.raw(json)
  header.raw(new Uint8Array(padded - json.length).fill(0x20))
  return { header: header.bytes(), placed }
}

/** Contents of a sharded model. */
export interface ShardedContent extends SafetensorsContent {
  /** Largest shard in bytes; a larger tensor gets its own file. Default 5 GB, as on the hub. */
  readonly maxShardBytes?: number
}

/**
 * Writes `model-00001-of-0000N.safetensors` and so on, and last `model.safetensors.index.json`, into the sinks that
 * `open` returns. Returns the file names.
 *
 * @throws TesseraError like `writeSafetensors`
 */
export async function writeSafetensorsShards(
  content: ShardedContent,
  open: (file: string) => Promise<ByteSink>,
  options: WriteOptions = {},
): Promise<readonly string[]> {
  const placed = placeTensors('writeSafetensorsShards', content.tensors, 1)
  const shards = cut(placed, content.maxShardBytes ?? 5e9)
  const weightMap: [string, string][] = []
  const files: string[] = []
  for (const [i, shard] of shards.entries()) {
    const file = `model-${number(i + 1)}-of-${number(shards.length)}.safetensors`
    files.push(file)
    for (const { tensor } of shard) weightMap.push([tensor.name, file])
    const metadata = content.metadata === undefined ? {} : { metadata: content.metadata }
    await writeSafetensors({ ...metadata, tensors: shard.map(({ tensor }) => tensor) }, await open(file), options)
  }
  const totalSize = placed.reduce((sum, { byteLength }) => sum + byteLength, 0)
  const index = { metadata: { total_size: totalSize }, weight_map: Object.fromEntries(weightMap) }
  const sink = await open('model.safetensors.index.json')
  await finishing(sink, () => sink.write(new TextEncoder().encode(`${JSON.stringify(index, null, 2)}\n`)))
  return [...files, 'model.safetensors.index.json']
}

const number = (value: number): string => String(value).padStart(5, '0')

function cut(placed: readonly PlacedTensor[], maxBytes: number): PlacedTensor[][] {
  const shards: PlacedTensor[][] = [[]]
  let size = 0
  for (const tensor of placed) {
    if (size > 0 && size + tensor.byteLength > maxBytes) {
      shards.push([])
      size = 0
    }
    shards.at(-1)?.push(tensor)
    size += tensor.byteLength
  }
  return shards
}

function sorted(tensors: readonly TensorData[]): TensorData[] {
  const elementBytes = ({ format }: TensorData): number =>
    storageFormat(format).blockBytes / storageFormat(format).blockElements
  return [...tensors].sort((a, b) => elementBytes(b) - elementBytes(a))
}

function headerJson(metadata: Readonly<Record<string, string>>, placed: readonly PlacedTensor[]): string {
  const fields: string[] = []
  if (Object.keys(metadata).length > 0) fields.push(`"__metadata__":${JSON.stringify(metadata)}`)
  // Written field by field: an object would move integer-like names to the front.
  for (const { tensor, format, start, byteLength } of placed) {
    if (format.safetensorsDtype === undefined) {
      const problem = `is stored as ${format.id}, for which safetensors has no dtype; convert it first`
      throw new TesseraError('unsupported', `writeSafetensors: tensor "${tensor.name}" ${problem}`)
    }
    if (tensor.name === '__metadata__')
      throw new TesseraError('invalid-value', 'writeSafetensors: "__metadata__" is no name for a tensor')
    const entry = { dtype: format.safetensorsDtype, shape: tensor.shape, data_offsets: [start, start + byteLength] }
    fields.push(`${JSON.stringify(tensor.name)}:${JSON.stringify(entry)}`)
  }
  return `{${fields.join(',')}}`
}
