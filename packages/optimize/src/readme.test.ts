import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tinyModel } from '@tessera-llm/tiny-model'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

const read = (path: string): Promise<string> => readFile(new URL(`../${path}`, import.meta.url), 'utf8')
const started = process.cwd()
let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-readme-'))
  await copyFile(tinyModel.ggufUrl, join(folder, 'model.gguf'))
  await writeFile(
    join(folder, 'text.txt'),
    'The President of the United States is the head of the Government. '.repeat(30),
  )
  process.chdir(folder)
})
afterEach(async () => {
  process.chdir(started)
  await rm(folder, { recursive: true })
})

test('the README shows the example, which compresses a model', async () => {
  expect(await read('README.md')).toContain(`\`\`\`ts\n${await read('test/readme-example.ts')}\`\`\``)
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  await import('../test/readme-example.ts')
  const [[classes] = []] = log.mock.calls as unknown as [Record<string, { before: number; after: number }>][]
  log.mockRestore()
  expect(classes?.['mlp']?.after).toBe(((classes?.['mlp']?.before ?? 0) / 16) * 4.5)
  expect((await stat('smaller.gguf')).size).toBeLessThan(0.45 * (await stat('model.gguf')).size)
})
