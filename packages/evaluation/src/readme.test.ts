import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

const read = (path: string): Promise<string> => readFile(new URL(`../${path}`, import.meta.url), 'utf8')
const started = process.cwd()
let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-readme-'))
  await copyFile(new URL('../test/golden/llama.gguf', import.meta.url), join(folder, 'model.gguf'))
  await writeFile(join(folder, 'text.txt'), 'the quick brown fox jumps over the lazy dog, and then again: '.repeat(3))
  process.chdir(folder)
})
afterEach(async () => {
  process.chdir(started)
  await rm(folder, { recursive: true })
})

test('the README shows the example, which measures a model', async () => {
  expect(await read('README.md')).toContain(`\`\`\`ts\n${await read('test/readme-example.ts')}\`\`\``)
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  await import('../test/readme-example.ts')
  const lines = log.mock.calls.map(([line]) => String(line))
  log.mockRestore()
  expect(lines.slice(0, -1)).toEqual(['1 of 4 windows', '2 of 4 windows', '3 of 4 windows', '4 of 4 windows'])
  expect(lines.at(-1)).toMatch(/^perplexity 54\d\d\.\d\d ± 16\d\d\.\d\d over 60 tokens$/)
})
