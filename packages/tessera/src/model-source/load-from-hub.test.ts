import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tinyModel } from '@tessera-llm/tiny-model'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type HubServer, repository, startHub } from '../../test/hub-server.ts'
import { load, type LoadProgress } from '../node.ts'

let hub: HubServer
let cache: string
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'tessera-load-'))
  hub = await startHub({ 'tiny.gguf': await readFile(tinyModel.ggufUrl) })
  vi.stubEnv('HF_ENDPOINT', hub.endpoint)
  vi.stubEnv('TESSERA_CACHE', cache)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await hub.close()
  await rm(cache, { recursive: true, force: true })
})

test('load takes a model of the hub, and the second time from the disk', async () => {
  const model = await load(`hf:${repository}/tiny.gguf`, { device: 'reference' })
  expect(model.language.config.hiddenSize).toBe(192)
  await model.dispose()
  vi.stubEnv('HF_HUB_OFFLINE', '1')
  const asked = hub.requests.length
  await (await load(`hf:${repository}/tiny.gguf`, { device: 'reference' })).dispose()
  expect(hub.requests.length).toBe(asked)
})

test('load tells of the download, then of the weights; the second time of these alone', async () => {
  const size = (await readFile(tinyModel.ggufUrl)).length
  const first: LoadProgress[] = []
  const second: LoadProgress[] = []
  for (const told of [first, second]) {
    const onProgress = (progress: LoadProgress): void => void told.push(progress)
    await (await load(`hf:${repository}/tiny.gguf`, { device: 'reference', onProgress })).dispose()
  }
  const downloads = first.filter(({ phase }) => phase === 'download')
  expect(downloads.at(-1)).toEqual({ phase: 'download', loadedBytes: size, totalBytes: size })
  expect(first.findIndex(({ phase }) => phase === 'weights')).toBe(downloads.length)
  expect(second.map(({ phase }) => phase)).toEqual(first.slice(downloads.length).map(({ phase }) => phase))
})

test('load says which model of the hub is not there', async () => {
  await expect(load(`hf:${repository}/other.gguf`, { device: 'reference' })).rejects.toMatchObject({
    code: 'not-found',
    message: expect.stringContaining('other.gguf'),
  })
})
