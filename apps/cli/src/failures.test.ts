import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { tessera } from '../test/support/capture.ts'
import { hugeModel, llamaFolder, tiny, tinyWith } from '../test/support/models.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-cli-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Runs a command that must exit with 1, and returns its one line of stderr. */
async function failure(...argv: string[]): Promise<string> {
  const { code, stdout, stderr } = await tessera(argv)
  expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: '' })
  expect(stderr).not.toContain('unexpected error')
  return stderr
}

describe('a model that cannot be opened', () => {
  test.each([
    ['run', '-p', 'x'],
    ['logits', '--ids', '1'],
    ['inspect'],
    ['tokenize', '--text', 'x'],
    ['bench'],
    ['chat'],
  ])('%s: there is no such file', async (command, ...rest) => {
    expect(await failure(command, '/no/such/model.gguf', ...rest)).toBe(
      'tessera: there is no file or folder /no/such/model.gguf\n',
    )
  })

  test('not a model at all', async () => {
    const path = join(folder, 'letter.gguf')
    await writeFile(path, 'Dear reader, this is not a model.')
    expect(await failure('inspect', path)).toContain('letter.gguf')
  })

  test.each([10, 1000, 100_000, 5_000_000])('a GGUF file cut off after %i bytes', async (length) => {
    const path = join(folder, 'cut.gguf')
    await writeFile(path, (await readFile(tiny)).subarray(0, length))
    expect(await failure('run', path, '-p', 'x')).toMatch(/cut\.gguf.* at byte \d+/)
  })

  test('an architecture that this program does not know', async () => {
    const path = join(folder, 'mamba.gguf')
    await tinyWith(path, [['general.architecture', { type: 'string', value: 'mamba' }]])
    expect(await failure('run', path, '-p', 'x', '--device', 'reference')).toContain(
      'the architecture "mamba" is not supported; this runtime was given llama',
    )
    const { code, stdout } = await tessera(['inspect', path])
    expect(code).toBe(0)
    expect(stdout).toContain('cannot be run: load: the architecture "mamba" is not supported')
  })

  test('a tokenizer that this program does not know', async () => {
    const path = join(folder, 'tokenizer.gguf')
    await tinyWith(path, [['tokenizer.ggml.model', { type: 'string', value: 'rwkv' }]])
    expect(await failure('run', path, '-p', 'x', '--device', 'reference')).toContain('rwkv')
  })

  test('a folder without its tokenizer, where there is text to read', async () => {
    const bare = join(folder, 'bare')
    await mkdir(bare)
    for (const file of ['config.json', 'model.safetensors']) await copyFile(join(llamaFolder, file), join(bare, file))
    const said = 'the folder has no tokenizer.json, so no text can be read; add it, or give token ids'
    expect(await failure('run', bare, '-p', 'x')).toContain(said)
    expect(await failure('tokenize', bare, '--text', 'x')).toContain(said)
    expect(await failure('convert', bare, join(folder, 'bare.gguf'))).toContain(
      'the folder has no tokenizer.json, which a GGUF file holds',
    )
  })

  test('a folder without its configuration', async () => {
    const bare = join(folder, 'weights')
    await mkdir(bare)
    await copyFile(join(llamaFolder, 'model.safetensors'), join(bare, 'model.safetensors'))
    expect(await failure('run', bare, '-p', 'x')).toContain('config.json cannot be read')
  })
})

describe('a model that does not fit', () => {
  let path: string
  beforeAll(async () => {
    path = join(folder, 'huge.gguf')
    await hugeModel(path)
  })

  test('is refused with what it needs, what there is, and the remedy, before a weight is read', async () => {
    expect(await failure('bench', path, '--prompt', '1', '--generate', '1')).toMatch(
      /the model needs \d+ MiB \(weights 8192 MiB, cache \d+ MiB for 2 tokens\), \d+ MiB are available; use a smaller or more strongly quantized model/,
    )
  })

  test('inspect says so too', async () => {
    const { code, stdout } = await tessera(['inspect', path, '--json'])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      memory: { weightBytes: 2 ** 33 },
      error: expect.stringContaining('use a smaller or more strongly quantized model'),
    })
  })
})

describe('a prompt that does not fit', () => {
  test('is refused before loading, with both sizes', async () => {
    const stderr = await failure('run', tiny, '-p', 'whale '.repeat(300))
    expect(stderr).toMatch(/^tessera: the prompt takes \d+ tokens, but the context holds 256; shorten it\n$/)
  })

  test('names --context where that would help', async () => {
    expect(await failure('run', tiny, '-p', 'whale '.repeat(30), '--context', '16')).toContain(
      'shorten it, or raise --context (the model allows 256)',
    )
  })

  test('eval and bench name their own options', async () => {
    const text = join(folder, 'text.txt')
    await writeFile(text, 'whale '.repeat(2000))
    expect(await failure('eval', tiny, '--text', text, '--window', '512')).toContain(
      'a window of 512 takes 511 tokens, but the context holds 256; use a smaller --window',
    )
    expect(await failure('bench', tiny)).toContain(
      '--prompt plus --generate takes 640 tokens, but the context holds 256; lower --prompt or --generate',
    )
  })
})

test('a token that is not in the vocabulary', async () => {
  const { code, stderr } = await tessera(['logits', tiny, '--ids', '1,5000', '--device', 'reference'])
  expect(code).toBe(1)
  expect(stderr).toContain('the token id 5000 is not in the vocabulary (0 … 2047)')
})

test('a text file that is not there', async () => {
  expect(await failure('eval', tiny, '--text', '/no/such/text.txt')).toContain(
    '--text: /no/such/text.txt cannot be read',
  )
  expect(await failure('tokenize', tiny, '--jsonl', folder)).toContain(`--jsonl: ${folder} cannot be read`)
})
