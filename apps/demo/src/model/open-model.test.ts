import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tinyModel } from '@tessera-llm/tiny-model'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type HubServer, repository, startHub } from '../../../../packages/tessera/test/hub-server.ts'
import { contentsOf, openModel } from './index.ts'

let folder: string
let hub: HubServer | undefined
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-demo-'))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await hub?.close()
  await rm(folder, { recursive: true, force: true })
})
const options = { signal: new AbortController().signal, onProgress: () => {}, onNote: () => {} }

test('a model of the hub is brought with progress', async () => {
  hub = await startHub({ 'tiny.gguf': await readFile(tinyModel.ggufUrl) })
  vi.stubEnv('HF_ENDPOINT', hub.endpoint)
  vi.stubEnv('TESSERA_CACHE', folder)
  const progress: number[] = []
  const files = await openModel(`hf:${repository}/tiny.gguf`, {
    ...options,
    onProgress: ({ loadedBytes, totalBytes }) => progress.push(loadedBytes / totalBytes),
  })
  expect(files).toMatchObject({ name: 'tiny.gguf', isOwn: false, config: { numLayers: 6 } })
  expect(progress.at(-1)).toBe(1)
  await files.checkpoint.close()
})

test('a folder with safetensors is a model too', async () => {
  const path = new URL('../../../cli/test/golden/llama-folder', import.meta.url).pathname
  const files = await openModel(path, options)
  expect(files.checkpoint.container).toBe('safetensors')
  expect(contentsOf(files.checkpoint).formats[0]?.format).toBe('f32')
  await files.checkpoint.close()
})

test('a file that is no model is refused', async () => {
  await writeFile(join(folder, 'a.gguf'), 'nothing of the kind')
  await expect(openModel(join(folder, 'a.gguf'), options)).rejects.toMatchObject({ code: 'invalid-file' })
})
