import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createReferenceDevice } from '@tessera-llm/tensor'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { goldenGguf } from '../test/support/golden.ts'
import { createSession, createTokenizerFromGguf, generate, llamaFamily, loadModel } from './index.ts'

const model = 'architectures/llama/model.gguf'
const read = (path: string): Promise<string> => readFile(new URL(`../${path}`, import.meta.url), 'utf8')
const started = process.cwd()
let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-readme-'))
  await copyFile(new URL(`../test/golden/${model}`, import.meta.url), join(folder, 'model.gguf'))
  process.chdir(folder)
})
afterEach(async () => {
  process.chdir(started)
  await rm(folder, { recursive: true })
})

test('the README shows the example, which generates what the reference device does', async () => {
  expect(await read('README.md')).toContain(`\`\`\`ts\n${await read('test/readme-example.ts')}\`\`\``)
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  await import('../test/readme-example.ts')
  const calls = log.mock.calls
  log.mockRestore()

  const checkpoint = await goldenGguf(model)
  const tokenizer = createTokenizerFromGguf(checkpoint.metadata)
  const reference = await loadModel(checkpoint, {
    device: createReferenceDevice(),
    packers: [],
    families: [llamaFamily],
  })
  const prompt = tokenizer.encode('Once upon a time')
  const generation = generate(createSession(reference), tokenizer, prompt, {
    maxTokens: 12,
    temperature: 0,
    ignoreEos: true,
  })
  const pieces: unknown[] = []
  for await (const { id, text } of generation) pieces.push([id, text])
  expect(calls.slice(0, -1)).toEqual(pieces)
  // The last token is returned but not appended to the cache.
  expect(calls.at(-1)).toEqual(['length', prompt.length + 11, prompt.length + 11])
})
