import { readFile } from 'node:fs/promises'
import { bufferSource, type ByteSource } from '@tessera-llm/formats'
import { tinyModel } from '@tessera-llm/tiny-model'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type HubServer, repository, startHub } from '../../test/hub-server.ts'
import { load } from '../node.ts'
import { load as loadPortable } from './load.ts'

const opened: ByteSource[] = []
const closed: ByteSource[] = []
vi.mock('@tessera-llm/formats/node', async (original) => {
  const actual = await original<typeof import('@tessera-llm/formats/node')>()
  return {
    ...actual,
    async fileSource(path: string) {
      const source = watched(await actual.fileSource(path))
      opened.push(source)
      return source
    },
  }
})

/** A source that adds its name to `closed` when it is closed. */
function watched(source: ByteSource): ByteSource {
  const same: ByteSource = {
    ...source,
    async close() {
      closed.push(same)
      await source.close()
    },
  }
  return same
}

const device = 'reference'
let server: HubServer
let url: string
beforeEach(async () => {
  server = await startHub({ 'tiny.gguf': await readFile(tinyModel.ggufUrl) })
  url = `${server.endpoint}/${repository}/resolve/main/tiny.gguf`
})
afterEach(async () => {
  opened.length = 0
  closed.length = 0
  await server.close()
})

test.each(['the first request', 'a later part of the header'])(
  'an abort ends a load that waits for %s',
  async (where) => {
    const controller = new AbortController()
    server.intercept = ({ headers }) => {
      if (where !== 'the first request' && headers.range?.startsWith('bytes=0-')) return false
      // No answer ever comes.
      controller.abort()
      return true
    }
    await expect(loadPortable(url, { device, signal: controller.signal })).rejects.toMatchObject({ code: 'aborted' })
  },
)

test('requests have the headers that were given, also in Node.js', async () => {
  server.intercept = ({ headers }, response) => {
    if (headers.authorization === 'Bearer key') return false
    response.writeHead(401).end()
    return true
  }
  const http = { headers: { authorization: 'Bearer key' } }
  for (const open of [load, loadPortable]) {
    await expect(open(url, { device })).rejects.toMatchObject({ code: 'network' })
    await (await open(new URL(url), { device, http })).dispose()
  }
})

test('what the caller passed stays open, and what load opened is closed', async () => {
  const source = watched(bufferSource(await readFile(tinyModel.ggufUrl)))
  for (const open of [load, loadPortable]) await (await open(source, { device })).dispose()
  expect(closed).toEqual([])
  await (await load(tinyModel.ggufUrl, { device })).dispose()
  expect(opened).toHaveLength(1)
  expect(closed).toEqual(opened)
})

test('the progress of weights says its phase', async () => {
  const told: object[] = []
  const onProgress = (progress: object): void => void told.push(progress)
  await (await load(tinyModel.ggufUrl, { device, onProgress })).dispose()
  expect(told.length).toBeGreaterThan(10)
  for (const progress of told) expect(progress).toMatchObject({ phase: 'weights', tensor: expect.any(String) })
})

test('a session that was disposed leaves the model, which disposes the others', async () => {
  const model = await load(tinyModel.ggufUrl, { device })
  const [left, open] = [model.createSession(), model.createSession()]
  const disposals = [left, open].map((session) => vi.spyOn(session, 'dispose'))
  left.dispose()
  await expect(left.step(1)).rejects.toMatchObject({ code: 'disposed' })
  await model.dispose()
  for (const disposal of disposals) expect(disposal).toHaveBeenCalledTimes(1)
  await expect(open.step(1)).rejects.toMatchObject({ code: 'disposed' })
})
