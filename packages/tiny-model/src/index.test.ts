import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'
import { tinyModel } from './index.ts'

test('the GGUF file is the one that the card describes', async () => {
  const bytes = await readFile(tinyModel.ggufUrl)
  expect(bytes.length).toBe(tinyModel.ggufSizeBytes)
  expect(bytes.subarray(0, 4).toString('latin1')).toBe('GGUF')
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(tinyModel.ggufSha256)
})

test('tokenizer and golden lie beside it and belong to the same vocabulary', async () => {
  const tokenizer = JSON.parse(await readFile(tinyModel.tokenizerUrl, 'utf8')) as {
    model: { vocab: Record<string, number> }
  }
  const golden = JSON.parse(await readFile(tinyModel.goldenUrl, 'utf8')) as {
    vocabulary: number
    context: number
    prompts: { idsWithBos: number[] }[]
  }
  expect(Object.keys(tokenizer.model.vocab)).toHaveLength(golden.vocabulary)
  expect(golden.context).toBe(tinyModel.contextLength)
  for (const prompt of golden.prompts) for (const id of prompt.idsWithBos) expect(id).toBeLessThan(golden.vocabulary)
})

test('the example of the README runs', async () => {
  const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8')
  expect(readme).toContain(await readFile(new URL('../test/readme-example.ts', import.meta.url), 'utf8'))
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  await import('../test/readme-example.ts')
  expect(log.mock.calls).toEqual([['tessera-tiny: 5579232 bytes, 2755008 parameters']])
  log.mockRestore()
})
