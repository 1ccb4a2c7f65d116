import { TesseraError } from '@tessera-llm/tensor'
import type { Checkpoint, MetadataValue, StoredTensor } from '../checkpoint/checkpoint.ts'
import { invalidFile, quoted } from '../checkpoint/invalid-file.ts'
import type { ByteSource } from '../source/source.ts'
import { HeaderJson } from './header-json.ts'

/** A model in several files: `model.safetensors.index.json` and a function that opens the files it names. */
export interface SafetensorsShards {
  readonly index: ByteSource
  /** Opens a file next to the index; `file` is a plain file name without any folder. */
  open(file: string): Promise<ByteSource>
}

/** An index names each tensor once, in some hundred bytes. */
const maxIndexBytes = 64 * 1024 * 1024
const maxShards = 4096

/** Reads the index and the header of every shard. The index decides which tensors exist and where. */
export async function readShards(
  shards: SafetensorsShards,
  readFile: (source: ByteSource) => Promise<Checkpoint>,
): Promise<Checkpoint> {
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
      opened.set(
        file,
        await readFile(source).catch(async (error: unknown) => {
          await source.close()
          throw error
        }),
      )
    }
    const tensors = new Map<string, StoredTensor>()
    for (const [name, file] of weightMap) {
      const tensor = opened.get(file)?.tensors.get(name)
      if (tensor === undefined)
        throw invalidIndex(index.name, `"weight_map" ${quoted(name)}`, `${file} holds no such tensor`)
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
  if (index.size > maxIndexBytes)
    throw invalidFile(index.name, 'index', 0, `${index.size} bytes are more than the limit of ${maxIndexBytes}`)
  const json = new HeaderJson(await index.read(0, index.size), index.name, 0)
  const metadata = Object.create(null) as Record<string, MetadataValue>
  const weightMap = new Map<string, string>()
  json.object('index', (section) => {
    if (section === 'metadata') {
      json.object('"metadata"', (key) => {
        const value = json.scalar(`"metadata" ${quoted(key)}`)
        if (value !== undefined) metadata[key] = value
      })
    } else if (section === 'weight_map') {
      json.object('"weight_map"', (name) => weightMap.set(name, fileName(json, `"weight_map" ${quoted(name)}`)))
    } else json.scalar(quoted(section))
  })
  json.end('index')
  const files = new Set(weightMap.values()).size
  if (files === 0) throw invalidIndex(index.name, '"weight_map"', 'is missing or empty')
  if (files > maxShards)
    throw invalidIndex(index.name, '"weight_map"', `names ${files} files, more than the limit of ${maxShards}`)
  return { metadata, weightMap }
}

/** Reads a file name, which must not lead out of the index's folder. */
function fileName(json: HeaderJson, field: string): string {
  const at = json.offset
  const file = json.string(field)
  if (!/^\w[\w.\- ]*\.safetensors$/.test(file))
    throw json.invalid(field, at, `${quoted(file)} is not the plain name of a .safetensors file`)
  return file
}

function invalidIndex(file: string, field: string, problem: string): TesseraError {
  return new TesseraError('invalid-file', `${file}: ${field}: ${problem}`, { details: { file, field } })
}
