import { TesseraError } from '@tessera-llm/tensor'
import type { Checkpoint, MetadataValue, StoredTensor } from '../checkpoint/checkpoint.ts'
import { invalidFile, quoted } from '../checkpoint/invalid-file.ts'
import type { ByteSource } from '../source/source.ts'

/** A model in several files: `model.safetensors.index.json` and a way to open the files that it names. */
export interface SafetensorsShards {
  readonly index: ByteSource
  /** Opens a file that lies beside the index. The name is a plain file name, without any folder. */
  open(file: string): Promise<ByteSource>
}

/** An index names each tensor once, in some hundred bytes. */
const maxIndexBytes = 64 * 1024 * 1024
const maxShards = 4096

/** Reads the index and the header of every shard. The index decides which tensors there are and where. */
export async function readShards(shards: SafetensorsShards, readFile: (source: ByteSource) => Promise<Checkpoint>): Promise<Checkpoint> {
  const { index } = shards
  const { metadata, weightMap } = await readIndex(index)
  const opened = new Map<string, Checkpoint>()
  const close = async (): Promise<void> => {
    for (const checkpoint of opened.values()) await checkpoint.close()
    await index.close()
  }
  try {
    for (const file of new Set(weightMap.values())) {
      const source = await shards.open(file)
      opened.set(file, await readFile(source).catch(async (error: unknown) => {
        await source.close()
        throw error
      }))
    }
    const tensors = new Map<string, StoredTensor>()
    for (const [name, file] of weightMap) {
      const tensor = opened.get(file)?.tensors.get(name)
      if (tensor === undefined) throw invalidIndex(index.name, `"weight_map" ${quoted(name)}`, `${file} holds no such tensor`)
      tensors.set(name, tensor)
    }
    const byteLength = [...opened.values()].reduce((sum, checkpoint) => sum + checkpoint.byteLength, 0)
    return { container: 'safetensors', metadata, tensors, byteLength, close }
  } catch (error) {
    for (const checkpoint of opened.values()) await checkpoint.close()
    throw error
  }
}

interface Index {
  readonly metadata: Record<string, MetadataValue>
  readonly weightMap: ReadonlyMap<string, string>
}

async function readIndex(index: ByteSource): Promise<Index> {
  if (index.size > maxIndexBytes) throw invalidFile(index.name, 'index', 0, `${index.size} bytes are more than the limit of ${maxIndexBytes}`)
  const bytes = await index.read(0, index.size)
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw invalidFile(index.name, 'index', 0, `is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
  const map = isObject(json) ? json['weight_map'] : undefined
  if (!isObject(map)) throw invalidIndex(index.name, '"weight_map"', 'must be an object that gives each tensor its file')
  const weightMap = new Map<string, string>()
  for (const [name, file] of Object.entries(map)) {
    // A file name must not leave the folder of the index.
    if (typeof file !== 'string' || !/^[\w][\w.\- ]*\.safetensors$/.test(file)) {
      throw invalidIndex(index.name, `"weight_map" ${quoted(name)}`, `${quoted(String(file))} is not the plain name of a .safetensors file`)
    }
    weightMap.set(name, file)
  }
  const files = new Set(weightMap.values()).size
  if (files === 0) throw invalidIndex(index.name, '"weight_map"', 'is empty')
  if (files > maxShards) throw invalidIndex(index.name, '"weight_map"', `names ${files} files, more than the limit of ${maxShards}`)
  return { metadata: plainMetadata(isObject(json) ? json['metadata'] : undefined), weightMap }
}

/** Scalars of the index's metadata (`total_size`); anything else has no meaning there. */
function plainMetadata(value: unknown): Record<string, MetadataValue> {
  const metadata = Object.create(null) as Record<string, MetadataValue>
  if (!isObject(value)) return metadata
  for (const [key, entry] of Object.entries(value)) {
    if (typeof entry === 'string' || typeof entry === 'number' || typeof entry === 'boolean') metadata[key] = entry
  }
  return metadata
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalidIndex(file: string, field: string, problem: string): TesseraError {
  return new TesseraError('invalid-file', `${file}: ${field}: ${problem}`, { details: { file, field } })
}
