import { copyFile, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tinyModel } from '@tessera-llm/tiny-model'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { sentenceFolder } from '../test/support/sentence-folder.ts'
import { load } from './node.ts'

const read = (path: string): Promise<string> => readFile(new URL(`../${path}`, import.meta.url), 'utf8')
const started = process.cwd()
let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-readme-'))
  await copyFile(new URL(tinyModel.ggufUrl), join(folder, 'model.gguf'))
  process.chdir(folder)
})
afterEach(async () => {
  process.chdir(started)
  await rm(folder, { recursive: true })
})

test('the README shows the example, which writes what the reference device writes', async () => {
  expect(await read('README.md')).toContain(`\`\`\`ts\n${await read('test/readme-example.ts')}\`\`\``)
  const written: string[] = []
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => written.push(String(text)) > 0)
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  await import('../test/readme-example.ts')
  const calls = log.mock.calls
  write.mockRestore()
  log.mockRestore()

  const reference = await load('model.gguf', { device: 'reference' })
  const generation = reference.generate('The President of the United States', { maxTokens: 16, temperature: 0 })
  let text = ''
  for await (const piece of generation) text += piece.text
  await reference.dispose()
  expect(written.join('')).toBe(text)
  expect(calls).toEqual([['length', 16]])
})

test('the README shows the example of vectors, which compares texts with an encoder', async () => {
  expect(await read('README.md')).toContain(`\`\`\`ts\n${await read('test/readme-embed.ts')}\`\`\``)
  await rename(await sentenceFolder(), join(folder, 'all-MiniLM-L6-v2'))
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  await import('../test/readme-embed.ts')
  const calls = log.mock.calls
  log.mockRestore()
  // The small random encoder's vocabulary has no word of the texts.
  expect(calls).toEqual([
    [expect.stringMatching(/^-?\d+\.\d\d$/), 'A kitten naps on the couch.'],
    [expect.stringMatching(/^-?\d+\.\d\d$/), 'Shares fell on Monday.'],
  ])
})

test('the README of optimize begins with the example, which writes a smaller model and its receipt', async () => {
  const readme = await read('../optimize/README.md')
  const example = await read('test/optimize-example.ts')
  expect(readme.indexOf('```ts\n')).toBe(readme.indexOf(`\`\`\`ts\n${example}\`\`\``))
  const text = 'The President of the United States is the head of the Government. '
  await writeFile(join(folder, 'text.txt'), text.repeat(30))
  await writeFile(join(folder, 'other.txt'), text.repeat(8))
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  await import('../test/optimize-example.ts')
  const [[line] = []] = log.mock.calls
  log.mockRestore()
  const { size } = await stat('smaller.gguf')
  expect(size).toBeLessThan(0.45 * (await stat('model.gguf')).size)
  const receipt = JSON.parse(await readFile('smaller.gguf.receipt.json', 'utf8')) as {
    output: { bytes: number }
    quality: { kld: number }
  }
  expect(receipt.output.bytes).toBe(size)
  expect(receipt.quality.kld).toBeGreaterThan(0)
  expect(line).toContain(`→ ${size} bytes, divergence ${receipt.quality.kld}`)
  // The stored work is deleted.
  expect((await readdir('.')).toSorted()).toEqual([
    'model.gguf',
    'other.txt',
    'smaller.gguf',
    'smaller.gguf.receipt.json',
    'text.txt',
  ])
})
