import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type HubServer, repository, startHub } from '../../../../packages/tessera/test/hub-server.ts'
import { tessera } from '../../test/support/capture.ts'
import { inFolder, llamaFolder, llamaGguf } from '../../test/support/models.ts'

interface Golden {
  readonly ids: number[]
  readonly greedy: number[]
  readonly logsumexp: number
  readonly mean: number
  readonly std: number
  readonly top: { readonly id: number; readonly logit: number }[]
}
const golden = JSON.parse(await readFile(new URL('../../test/golden/llama.json', import.meta.url), 'utf8')) as Golden

async function expectGolden(model: string): Promise<string> {
  const { code, stdout, stderr } = await tessera([
    'logits',
    model,
    '--ids',
    golden.ids.join(','),
    '--top',
    '5',
    '--json',
    '--device',
    'reference',
  ])
  expect(code, stderr).toBe(0)
  const result = JSON.parse(stdout) as Golden
  for (const key of ['logsumexp', 'mean', 'std'] as const)
    expect(Math.abs(result[key] - golden[key]), key).toBeLessThan(1e-4)
  expect(result.top.map(({ id }) => id)).toEqual(golden.top.map(({ id }) => id))
  for (const [index, { logit }] of result.top.entries())
    expect(Math.abs(logit - (golden.top[index]?.logit as number))).toBeLessThan(1e-4)
  return stderr
}

describe('one model, however it comes', () => {
  test.each([
    ['a GGUF file', llamaGguf],
    ['a folder with config.json and safetensors', llamaFolder],
    ['the safetensors file of such a folder', `${llamaFolder}/model.safetensors`],
  ])('%s', async (_name, path) => {
    await expectGolden(path)
  })

  test('a folder runs, tokenizes and is inspected like a file', async () => {
    const run = async (path: string): Promise<unknown> =>
      JSON.parse(
        (
          await tessera([
            'run',
            path,
            '--ids',
            golden.ids.join(','),
            '--max-tokens',
            '8',
            '--ignore-eos',
            '--temperature',
            '0',
            '--json',
            '--device',
            'reference',
          ])
        ).stdout,
      )
    expect(await run(llamaFolder)).toMatchObject({ ids: golden.greedy.slice(0, 8) })
    const ids = async (path: string): Promise<unknown> =>
      JSON.parse((await tessera(['tokenize', path, '--text', 'hello world', '--json'])).stdout)
    expect(await ids(llamaFolder)).toEqual(await ids(llamaGguf))
    const inspected = JSON.parse((await tessera(['inspect', llamaFolder, '--json'])).stdout) as {
      container: string
      config: { architecture: string }
    }
    expect([inspected.container, inspected.config.architecture]).toEqual(['safetensors', 'llama'])
  })
})

describe('models of the hub', () => {
  let hub: HubServer
  beforeEach(async () => {
    hub = await startHub({ 'llama.gguf': await readFile(llamaGguf) })
    vi.stubEnv('HF_ENDPOINT', hub.endpoint)
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await hub.close()
  })

  test('are brought once, and run from the disk when there is no network', () =>
    inFolder(async (cache) => {
      vi.stubEnv('TESSERA_CACHE', cache)
      await expectGolden(`hf:${repository}/llama.gguf`)
      const { length } = hub.requests
      expect(length).toBeGreaterThan(1)
      vi.stubEnv('HF_HUB_OFFLINE', '1')
      await expectGolden(`hf:${repository}/llama.gguf`)
      expect(hub.requests).toHaveLength(length)
    }))

  test('are made smaller, and what the receipt says of them is verified', () =>
    inFolder(async (cache) => {
      vi.stubEnv('TESSERA_CACHE', cache)
      const [model, out] = [`hf:${repository}/llama.gguf`, join(cache, 'small')]
      const made = await tessera(['optimize', model, out, '--bits', '8', '--json'])
      expect(made.code, made.stderr).toBe(0)
      expect(JSON.parse(made.stdout)).toMatchObject({
        input: { path: model, bytes: (await readFile(llamaGguf)).length },
        output: { path: out },
      })
      expect((await tessera(['verify', `${out}.receipt.json`])).stdout).toMatch(/^verified: the same \d+ bytes/)
      vi.stubEnv('HF_ENDPOINT', 'https://elsewhere.invalid')
      const url = await tessera([
        'optimize',
        `${hub.endpoint}/${repository}/resolve/main/llama.gguf`,
        join(cache, 'other'),
        '--bits',
        '8',
      ])
      expect([url.code, url.stderr]).toEqual([
        1,
        expect.stringContaining('is read from the network, and optimize reads it several times; download it first'),
      ])
    }))

  test('offline, what is not on the disk is an error that says what to do', () =>
    inFolder(async (cache) => {
      vi.stubEnv('TESSERA_CACHE', cache)
      vi.stubEnv('HF_HUB_OFFLINE', '1')
      const { code, stdout, stderr } = await tessera(['run', `hf:${repository}/llama.gguf`, '-p', 'x'])
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(stderr).toMatch(/HF_HUB_OFFLINE/)
    }))

  test('a bar shows the download on a terminal', () =>
    inFolder(async (cache) => {
      vi.stubEnv('TESSERA_CACHE', cache)
      const { code, stderr } = await tessera(['inspect', `hf:${repository}/llama.gguf`], { isTTY: true })
      expect(code).toBe(0)
      expect(stderr).toMatch(/\rdownloading [█░]{10,30} +\d+ % /)
      expect(stderr.endsWith('\r\u001b[K')).toBe(true)
    }))

  test('a URL is read by ranges', async () => {
    vi.stubEnv('HF_ENDPOINT', 'https://elsewhere.invalid')
    await expectGolden(`${hub.endpoint}/${repository}/resolve/main/llama.gguf`)
  })
})
