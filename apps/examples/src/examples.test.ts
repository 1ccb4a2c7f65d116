import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { runExample } from '../test/run-example.ts'

test('attention-on-wasm: both kernels give the same', async () => {
  const lines = (await runExample(() => import('./attention-on-wasm.ts'))).split('\n')
  const begins = lines.map((line) => line.split('begins with ')[1])
  expect(lines[0]).toMatch(/^plain: \[1, 8, 512, 64\] in [\d.]+ ms/)
  expect(lines[1]).toMatch(/^flash: /)
  expect(begins[0]?.split(' ').map(Number)).toHaveLength(3)
  expect(begins[1]).toBe(begins[0])
  expect(
    readFileSync(new URL('./attention-on-wasm.ts', import.meta.url), 'utf8').match(/from '@tessera-llm\/[a-z]+/g),
  ).toEqual(["from '@tessera-llm/attention", "from '@tessera-llm/attention", "from '@tessera-llm/wasm"])
})

test('list-tensors: every tensor of the file', async () => {
  const lines = (await runExample(() => import('./list-tensors.ts'))).trimEnd().split('\n')
  expect(lines[0]).toBe('llama, 56 tensors, 5579232 bytes')
  expect(lines).toHaveLength(57)
  expect(lines).toContain('token_embd.weight            f16    [2048, 192]        786432')
})

test('custom-runtime: a text, in fewer than 100 lines', async () => {
  const printed = await runExample(() => import('./custom-runtime.ts'))
  expect(printed).toMatch(/^The whale.{60,}\n\d+ tokens, \d+ bytes of cache, \d+ bytes of weights on wasm/s)
  expect(readFileSync(new URL('./custom-runtime.ts', import.meta.url), 'utf8').split('\n').length).toBeLessThan(100)
})

test('chat: the first answer is stopped, the second is not', async () => {
  const printed = await runExample(() => import('./chat.ts'))
  expect(printed).toMatch(/^> My lord, what is the news\?\n.{20,}… \(stopped\)\n\n> Go on\.\n.{20,}\n$/s)
  expect(printed.match(/stopped/g)).toHaveLength(1)
})

test('perplexity: of a text that the model expects', async () => {
  const printed = await runExample(() => import('./perplexity.ts'))
  const [, perplexity, error, tokens] = /^perplexity ([\d.]+) ± ([\d.]+) over (\d+) tokens\n$/.exec(printed) ?? []
  expect(Number(perplexity)).toBeGreaterThan(5)
  expect(Number(perplexity)).toBeLessThan(200)
  expect(Number(error)).toBeGreaterThan(0)
  expect(Number(tokens)).toBeGreaterThan(20)
})

test('own-kernel-wasm: the device takes it and computes what the definition says', async () => {
  const printed = await runExample(() => import('./own-kernel-wasm.ts'))
  expect(printed).toMatch(/^by-hand on wasm/)
  const difference = Number(/reference: (\S+)/.exec(printed)?.[1])
  expect(difference).toBeGreaterThan(0)
  expect(difference).toBeLessThan(1e-4)
})

test('the README lists every program', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const listed = [...readme.matchAll(/^\| \[`([a-z-]+)`\]\(src\/([a-z-]+)\.ts\)/gm)].map(([, name, file]) => [
    name,
    file,
  ])
  for (const [name, file] of listed) expect(name).toBe(file)
  expect(listed.map(([name]) => name).sort()).toEqual([
    'attention-on-wasm',
    'chat',
    'custom-runtime',
    'list-tensors',
    'own-kernel-wasm',
    'own-kernel-webgpu',
    'perplexity',
    'readme-example',
  ])
})
