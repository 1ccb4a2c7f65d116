import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { HubServer } from '../../test/hub-server.ts'
import { json, repository, serve, startHub } from '../../test/hub-server.ts'
import type { ModelSource, ModelSourceOptions } from './model-source.ts'
import { openModelSource } from './model-source.ts'

const weights = new Uint8Array(randomBytes(300_000))
const text = (content: string): Uint8Array => new TextEncoder().encode(content)
const folderFiles = {
  'config.json': text('{"model_type":"llama"}'),
  'tokenizer.json': text(`{"vocab":"${'x'.repeat(5000)}"}`),
  'README.md': text('not needed'),
  'model.safetensors.index.json': text(
    '{"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}}',
  ),
  'model-00001-of-00002.safetensors': weights.subarray(0, 2000),
  'model-00002-of-00002.safetensors': weights.subarray(2000, 5000),
}

let hub: HubServer
let cacheFolder: string
beforeEach(async () => {
  hub = await startHub({ 'tiny.gguf': weights, 'README.md': text('# A model') })
  cacheFolder = await mkdtemp(join(tmpdir(), 'tessera-hub-'))
})
afterEach(async () => {
  await hub.close()
  await rm(cacheFolder, { recursive: true, force: true })
})

const http = { retryDelayMs: 1, attempts: 3, timeoutMs: 5000 }
const open = (model: string, options: ModelSourceOptions = {}): Promise<ModelSource> =>
  openModelSource(model, {
    http,
    ...options,
    env: { HF_ENDPOINT: hub.endpoint, TESSERA_CACHE: cacheFolder, ...options.env },
  })

async function bytesOf(source: ModelSource): Promise<Buffer> {
  if (source.kind !== 'gguf') throw new Error('expected a file')
  const bytes = Buffer.from(await source.source.read(0, source.source.size))
  await source.source.close()
  return bytes
}

const isDownload = (line: string): boolean => line.includes('/resolve/')
const named = `hf:${repository}/tiny.gguf`

describe('paths', () => {
  test('a file, a folder, the safetensors file of a folder', async () => {
    const file = join(cacheFolder, 'a.gguf')
    await writeFile(file, weights)
    await writeFile(join(cacheFolder, 'model.safetensors'), '')
    expect((await bytesOf(await open(file))).equals(weights)).toBe(true)
    expect(await open(cacheFolder)).toEqual({ kind: 'folder', path: cacheFolder })
    expect(await open(join(cacheFolder, 'model.safetensors'))).toEqual({ kind: 'folder', path: cacheFolder })
  })

  test('what is not there, with a hint where it looks like a name of the hub', async () => {
    await expect(open('/no/such/model.gguf')).rejects.toMatchObject({ code: 'not-found' })
    await expect(open('owner/model')).rejects.toThrow('hf:owner/model')
    const shard = join(cacheFolder, 'model-00001-of-00002.safetensors')
    await writeFile(shard, '')
    await expect(open(shard)).rejects.toMatchObject({ code: 'invalid-option' })
  })
})

describe('URLs', () => {
  test('any server: read by ranges and not kept', async () => {
    const source = await open(`${hub.endpoint}/${repository}/resolve/main/tiny.gguf`, {
      env: { HF_ENDPOINT: 'https://elsewhere.invalid' },
    })
    expect((await bytesOf(source)).equals(weights)).toBe(true)
    expect(await readdir(cacheFolder)).toEqual([])
  })

  test('a file on the hub itself goes through the cache', async () => {
    const source = await open(`${hub.endpoint}/${repository}/blob/main/tiny.gguf`)
    expect((await bytesOf(source)).equals(weights)).toBe(true)
    expect(await readdir(cacheFolder)).toEqual(['owner--model'])
  })
})

describe('a file of the hub', () => {
  test('is downloaded once, with progress, and then comes from the disk', async () => {
    const progress: [number, number][] = []
    const onProgress: ModelSourceOptions['onProgress'] = ({ loadedBytes, totalBytes }) =>
      void progress.push([loadedBytes, totalBytes])
    expect((await bytesOf(await open(named, { onProgress }))).equals(weights)).toBe(true)
    expect(progress[0]).toEqual([0, weights.length])
    expect(progress.at(-1)).toEqual([weights.length, weights.length])
    expect((await bytesOf(await open(named, { onProgress }))).equals(weights)).toBe(true)
    expect(hub.requests.filter(isDownload)).toEqual([`/${repository}/resolve/main/tiny.gguf bytes=0-`])
  })

  test('need not be named when it is the only one', async () => {
    expect((await bytesOf(await open(`hf:${repository}`))).equals(weights)).toBe(true)
  })

  test("is asked for with the caller's headers and the token", async () => {
    const seen: unknown[] = []
    hub.intercept = ({ url = '', headers }) => {
      seen.push([isDownload(url), headers.authorization, headers['x-proxy']])
      return false
    }
    await bytesOf(await open(named, { env: { HF_TOKEN: 'hf_secret' }, http: { ...http, headers: { 'x-proxy': 'a' } } }))
    expect(seen).toEqual([false, true].map((isFile) => [isFile, 'Bearer hf_secret', 'a']))
  })

  test('goes on within a command after a dropped connection', async () => {
    let drops = 0
    hub.intercept = (request, response) => {
      if (!isDownload(request.url ?? '') || drops++ > 0) return false
      serve(request, response, weights, 100_000)
      return true
    }
    expect((await bytesOf(await open(named))).equals(weights)).toBe(true)
    const [first, second] = hub.requests.filter(isDownload).map((line) => Number(/bytes=(\d+)-/.exec(line)?.[1]))
    expect(first).toBe(0)
    expect(second).toBeGreaterThan(0)
  })

  test('goes on in the next command after an interrupted one', async () => {
    hub.intercept = (request, response) => {
      if (!isDownload(request.url ?? '')) return false
      serve(request, response, weights, 120_000)
      return true
    }
    const controller = new AbortController()
    const onProgress: ModelSourceOptions['onProgress'] = ({ loadedBytes }) => {
      if (loadedBytes >= 100_000) controller.abort()
    }
    await expect(open(named, { signal: controller.signal, onProgress })).rejects.toMatchObject({ code: 'aborted' })
    hub.intercept = undefined
    const before = hub.requests.length
    expect((await bytesOf(await open(named))).equals(weights)).toBe(true)
    const resumed = hub.requests.slice(before).filter(isDownload)
    expect(resumed).toHaveLength(1)
    expect(Number(/bytes=(\d+)-/.exec(resumed[0] ?? '')?.[1])).toBeGreaterThanOrEqual(100_000)
    expect((await readdir(join(cacheFolder, 'owner--model', 'main'))).sort()).toEqual(['.tessera.json', 'tiny.gguf'])
  })

  test('with a wrong hash is refused and not kept; the right one is then brought whole', async () => {
    const wrong = weights.slice()
    wrong[1234] = (wrong[1234] ?? 0) ^ 1
    hub.intercept = (request, response) => {
      if (!isDownload(request.url ?? '')) return false
      serve(request, response, wrong)
      return true
    }
    await expect(open(named)).rejects.toMatchObject({
      code: 'network',
      message: expect.stringMatching(/hash .* instead of sha256:/) as string,
    })
    expect(await readdir(join(cacheFolder, 'owner--model', 'main'))).toEqual([])
    hub.intercept = undefined
    expect((await bytesOf(await open(named))).equals(weights)).toBe(true)
    expect(hub.requests.at(-1)).toContain('bytes=0-')
  })

  test('of another size than listed is refused', async () => {
    hub.intercept = (request, response) => {
      if (!isDownload(request.url ?? '')) return false
      serve(request, response, weights.subarray(0, 200_000))
      return true
    }
    await expect(open(named)).rejects.toMatchObject({
      code: 'network',
      message: expect.stringContaining('200000 bytes where 300000') as string,
    })
  })

  test('that changed on the hub is brought anew, and what was damaged on the disk as well', async () => {
    await bytesOf(await open(named))
    const changed = weights.slice().reverse()
    hub.files = { 'tiny.gguf': changed }
    expect((await bytesOf(await open(named))).equals(changed)).toBe(true)
    await truncate(join(cacheFolder, 'owner--model', 'main', 'tiny.gguf'), 1000)
    expect((await bytesOf(await open(named))).equals(changed)).toBe(true)
    expect(hub.requests.filter(isDownload)).toHaveLength(3)
  })

  test('whose list was lost is hashed and kept', async () => {
    await bytesOf(await open(named))
    await writeFile(join(cacheFolder, 'owner--model', 'main', '.tessera.json'), 'damaged')
    expect((await bytesOf(await open(named))).equals(weights)).toBe(true)
    expect(hub.requests.filter(isDownload)).toHaveLength(1)
  })

  test('that another process downloads is left to it; a dead process is not waited for', async () => {
    const folder = join(cacheFolder, 'owner--model', 'main')
    await mkdir(folder, { recursive: true })
    hub.intercept = (request, response) => {
      if (!isDownload(request.url ?? '')) return false
      serve(request, response, weights, 1000)
      return true
    }
    await expect(open(named)).rejects.toMatchObject({ code: 'network' })
    hub.intercept = undefined
    const part = (await readdir(folder)).find((name) => name.endsWith('.part')) ?? ''
    await writeFile(join(folder, `${part}.lock`), String(process.ppid))
    await expect(open(named)).rejects.toMatchObject({
      code: 'io',
      message: expect.stringContaining(`process ${process.ppid}`) as string,
    })
    await writeFile(join(folder, `${part}.lock`), '999999999')
    expect((await bytesOf(await open(named))).equals(weights)).toBe(true)
  })
})

describe('a folder of the hub', () => {
  test('brings configuration and all shards that the index names, and nothing else', async () => {
    hub.files = folderFiles
    const source = await open(`hf:${repository}`)
    expect(source.kind).toBe('folder')
    const folder = source.kind === 'folder' ? source.path : ''
    const { 'README.md': _, ...needed } = folderFiles
    expect((await readdir(folder)).sort()).toEqual(['.tessera.json', ...Object.keys(needed)].sort())
    for (const [name, bytes] of Object.entries(needed))
      expect((await readFile(join(folder, name))).equals(bytes)).toBe(true)
  })

  test('with a small file of a wrong hash is refused (they are checked by their git hash)', async () => {
    hub.files = folderFiles
    hub.intercept = (request, response) => {
      if (request.url?.endsWith('/config.json') !== true) return false
      serve(request, response, text('{"model_type":"trojan"'.padEnd(folderFiles['config.json'].length)))
      return true
    }
    await expect(open(`hf:${repository}`)).rejects.toMatchObject({
      code: 'network',
      message: expect.stringContaining('git-sha1:') as string,
    })
  })

  test('whose index names what is not there is refused', async () => {
    hub.files = { ...folderFiles, 'model.safetensors.index.json': text('{"weight_map":{"a":"../../x.safetensors"}}') }
    await expect(open(`hf:${repository}`)).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('names ../../x') as string,
    })
  })
})

describe('what the hub cannot give', () => {
  test('401 and 403 ask for a token or the terms; 404 for the spelling', async () => {
    const answer = (status: number): void => {
      hub.intercept = (_request, response) => {
        json(response, status, { error: 'no' })
        return true
      }
    }
    answer(401)
    await expect(open(named)).rejects.toMatchObject({
      code: 'network',
      message: expect.stringMatching(/status 401.*HF_TOKEN/) as string,
    })
    answer(403)
    await expect(open(named, { env: { HF_TOKEN: 'hf_token' } })).rejects.toThrow(/403.*accept its terms at http/)
    answer(404)
    await expect(open(named)).rejects.toMatchObject({ code: 'not-found' })
    await expect(open('hf:nobody/nothing')).rejects.toMatchObject({ code: 'not-found' })
    await expect(open(named, { env: { HF_TOKEN: 'secret' } })).rejects.toMatchObject({ code: 'invalid-option' })
  })

  test('the token goes to the hub with every request', async () => {
    const seen = new Set<string | undefined>()
    hub.intercept = (request) => {
      seen.add(request.headers.authorization)
      return false
    }
    await bytesOf(await open(named, { env: { HF_TOKEN: 'hf_token' } }))
    expect([...seen]).toEqual(['Bearer hf_token'])
  })

  test('names the choices where there are several, and what is missing', async () => {
    hub.files = { 'q4.gguf': weights, 'q8.gguf': weights, 'part-00001-of-00002.gguf': weights, 'a.bin': weights }
    await expect(open(`hf:${repository}`)).rejects.toThrow(`name one; there are hf:${repository}/q4.gguf`)
    await expect(open(`hf:${repository}/q5.gguf`)).rejects.toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('q8.gguf') as string,
    })
    await expect(open(`hf:${repository}/a.bin`)).rejects.toMatchObject({ code: 'invalid-option' })
    await expect(open(`hf:${repository}/part-00001-of-00002.gguf`)).rejects.toMatchObject({ code: 'unsupported' })
    hub.files = { 'README.md': text('nothing') }
    await expect(open(`hf:${repository}`)).rejects.toMatchObject({ code: 'not-found' })
  })

  test('paths of a listing that lead out of the cache are as good as absent', async () => {
    hub.files = { '../../evil.gguf': weights }
    await expect(open(`hf:${repository}`)).rejects.toMatchObject({ code: 'not-found' })
  })

  const odd = [
    'hf:',
    'hf:owner',
    'hf:../x',
    'hf:owner/..',
    'hf:owner/repo/../x.gguf',
    'hf:owner/repo@a@b',
    'hf:owner/repo//x.gguf',
    'hf:owner/re po',
  ]
  test.for(odd)('%s is no name', async (model) => {
    await expect(open(model)).rejects.toMatchObject({ code: 'invalid-option' })
    expect(hub.requests).toEqual([])
  })
})

describe('offline', () => {
  test('what is in the cache is used, with a note', async () => {
    await bytesOf(await open(named))
    await hub.close()
    const notes: string[] = []
    expect((await bytesOf(await open(named, { onNote: (line) => notes.push(line) }))).equals(weights)).toBe(true)
    expect(notes).toEqual([expect.stringMatching(/cannot be reached.*ECONNREFUSED.*using the copy in/)])
  })

  test('what is not there is an error that says what to do', async () => {
    await hub.close()
    await expect(open(named)).rejects.toMatchObject({
      code: 'network',
      message: expect.stringMatching(
        /cannot be reached.*owner\/model is not in .*connect once.*HF_ENDPOINT.*path of a model/,
      ) as string,
    })
  })

  test('HF_HUB_OFFLINE asks nobody', async () => {
    await expect(open(named, { env: { HF_HUB_OFFLINE: '1' } })).rejects.toThrow('HF_HUB_OFFLINE is set')
    await bytesOf(await open(named))
    const before = hub.requests.length
    expect((await bytesOf(await open(named, { env: { HF_HUB_OFFLINE: '1' } }))).equals(weights)).toBe(true)
    expect(hub.requests).toHaveLength(before)
  })

  test('a folder that was brought in part is not taken for whole', async () => {
    hub.files = folderFiles
    await open(`hf:${repository}`)
    await rm(join(cacheFolder, 'owner--model', 'main', 'model-00002-of-00002.safetensors'))
    await hub.close()
    await expect(open(`hf:${repository}`)).rejects.toThrow(
      /model-00002-of-00002\.safetensors, which was never downloaded; connect once/,
    )
  })

  test('a page that is no hub (a sign-in page) counts as not reached', async () => {
    hub.intercept = (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<title>Welcome to our hotel</title>')
      return true
    }
    await expect(open(named)).rejects.toThrow(/did not answer as a hub does.*connect once/)
  })
})
