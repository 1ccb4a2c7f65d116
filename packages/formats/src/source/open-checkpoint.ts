import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { TesseraError } from '@tessera-llm/tensor'
import type { Checkpoint } from '../checkpoint/checkpoint.ts'
import { readCheckpoint } from '../checkpoint/read-checkpoint.ts'
import { readSafetensors } from '../safetensors/read-safetensors.ts'
import type { ByteSource } from './source.ts'
import { fileSource } from './file-source.ts'

const indexName = 'model.safetensors.index.json'

/**
 * Opens a model on disk: a `.gguf` or `.safetensors` file, a `*.safetensors.index.json`, or a folder that holds
 * `model.safetensors` or its index. Throws `not-found`, `io` or `invalid-file`; leaves nothing open after an error.
 */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  if ((await kindOf(path)) !== 'folder')
    return basename(path).endsWith('.safetensors.index.json') ? openShards(path) : openFile(path)
  const single = join(path, 'model.safetensors')
  if ((await kindOf(single)) === 'file') return openFile(single)
  const index = join(path, indexName)
  if ((await kindOf(index)) === 'file') return openShards(index)
  throw new TesseraError(
    'not-found',
    `openCheckpoint: the folder ${path} holds neither model.safetensors nor ${indexName}`,
  )
}

async function kindOf(path: string): Promise<'file' | 'folder' | 'nothing'> {
  const found = await stat(path).catch(() => undefined)
  return found === undefined ? 'nothing' : found.isDirectory() ? 'folder' : 'file'
}

async function openFile(path: string): Promise<Checkpoint> {
  return closingOnError(await fileSource(path), readCheckpoint)
}

async function openShards(path: string): Promise<Checkpoint> {
  const folder = path.slice(0, path.length - basename(path).length)
  return closingOnError(await fileSource(path), (index) =>
    readSafetensors({ index, open: (file) => fileSource(join(folder, file)) }),
  )
}

async function closingOnError(
  source: ByteSource,
  read: (source: ByteSource) => Promise<Checkpoint>,
): Promise<Checkpoint> {
  return read(source).catch(async (error: unknown) => {
    await source.close()
    throw error
  })
}
