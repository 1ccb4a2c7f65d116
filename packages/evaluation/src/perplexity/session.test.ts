import { readFileSync } from 'node:fs'
import { bufferSource, readGguf } from '@tessera-llm/formats'
import { ggmlPackers } from '@tessera-llm/quantization'
import { createSession, type LanguageModel, llamaFamily, loadModel, type Session } from '@tessera-llm/runtime'
import { createReferenceDevice, type Device } from '@tessera-llm/tensor'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { measurePerplexity } from './measure-perplexity.ts'

const golden = JSON.parse(readFileSync(new URL('../../test/golden/llama.json', import.meta.url), 'utf8')) as {
  readonly ids: number[]
  readonly nll: number[]
}
let device: Device
let model: LanguageModel
beforeAll(async () => {
  device = createReferenceDevice()
  const checkpoint = await readGguf(
    bufferSource(new Uint8Array(readFileSync(new URL('../../test/golden/llama.gguf', import.meta.url))), 'llama.gguf'),
  )
  model = await loadModel(checkpoint, { device, packers: ggmlPackers, families: [llamaFamily] })
})
afterAll(async () => {
  model.dispose()
  await device.dispose()
})

/** Negative log-likelihood of the tokens from `begin` on, from PyTorch's logits of the sequence. */
const expectedNll = (begin: number): number => golden.nll.slice(begin - 1).reduce((sum, value) => sum + value, 0)

function open(chunkTokens: number): Session {
  return createSession(model, { activations: 'f32', chunkTokens })
}

test.each([1, 7, 40])('a model measured in chunks of %i', async (chunkTokens) => {
  const session = open(chunkTokens)
  const all = await measurePerplexity(session, golden.ids, { window: 40, protocol: 'all' })
  expect(Math.abs((all.nll[0] as number) - expectedNll(1))).toBeLessThan(1e-3)
  expect(all.tokens).toBe(39)
  const half = await measurePerplexity(session, golden.ids, { window: 40 })
  expect(Math.abs((half.nll[0] as number) - expectedNll(21))).toBeLessThan(1e-3)
  expect(half.tokens).toBe(19)
  session.dispose()
})

test('windows do not see each other', async () => {
  const session = open(16)
  const once = await measurePerplexity(session, golden.ids, { window: 40, protocol: 'all' })
  const twice = await measurePerplexity(session, [...golden.ids, ...golden.ids], { window: 40, protocol: 'all' })
  expect(twice.nll).toEqual([once.nll[0], once.nll[0]])
  session.dispose()
})

test('a session gives the same last logits whether or not every row is asked for', async () => {
  const session = open(16)
  const last = await session.prefill(golden.ids)
  session.truncate(0)
  const positions: number[] = []
  const again = await session.prefill(golden.ids, {
    everyLogits: { from: 5, visit: (rows, position) => positions.push(...rows.map((_, row) => position + row)) },
  })
  expect(again).toEqual(last)
  expect(positions).toEqual(Array.from({ length: 35 }, (_, index) => index + 5))
  session.dispose()
})

test('nothing stays allocated', async () => {
  const before = device.memory().liveTensors
  const session = open(16)
  await measurePerplexity(session, golden.ids, { window: 40 })
  session.dispose()
  expect(device.memory().liveTensors).toBe(before)
})
