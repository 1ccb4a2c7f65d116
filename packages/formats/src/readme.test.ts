import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

const read = (path: string): Promise<string> => readFile(new URL(`../${path}`, import.meta.url), 'utf8')
const started = process.cwd()
let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tessera-readme-'))
  await copyFile(new URL('../test/golden/llama.gguf', import.meta.url), join(folder, 'model.gguf'))
  process.chdir(folder)
})
afterEach(async () => {
  process.chdir(started)
  await rm(folder, { recursive: true })
})

test.for([
  ['test/readme-example.ts', [['example'], ['weight', [2, 3], 'f32', Float32Array.of(4, 5, 6)]]],
  ['test/readme-node-example.ts', [['gguf', 21, 192]]],
] as const)('the README shows %s, which prints what it should', async ([path, printed]) => {
  expect(await read('README.md')).toContain(`\`\`\`ts\n${await read(path)}\`\`\``)
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  await import(`../${path}`)
  expect(log.mock.calls).toEqual(printed)
  log.mockRestore()
})
