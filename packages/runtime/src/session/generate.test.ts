import { createReferenceDevice } from '@tessera-llm/tensor'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { goldenGguf } from '../../test/support/golden.ts'
import {
  createSession,
  createTokenizerFromGguf,
  generate,
  type LanguageModel,
  llamaFamily,
  loadModel,
  type Tokenizer,
} from '../index.ts'

let model: LanguageModel
let tokenizer: Tokenizer
beforeAll(async () => {
  const checkpoint = await goldenGguf('architectures/llama/model.gguf')
  tokenizer = createTokenizerFromGguf(checkpoint.metadata)
  model = await loadModel(checkpoint, { device: createReferenceDevice(), packers: [], families: [llamaFamily] })
})
afterAll(() => model.dispose())

const options = { maxTokens: 5, temperature: 0, ignoreEos: true } as const

test('the result comes without iterating too, and is that of iterating', async () => {
  const session = createSession(model)
  const iterated = generate(session, tokenizer, [1, 2, 3], options)
  const ids: number[] = []
  for await (const { id } of iterated) ids.push(id)
  expect((await iterated.result).ids).toEqual(ids)
  const asked = await generate(createSession(model), tokenizer, [1, 2, 3], options).result
  expect(asked.ids).toEqual(ids)
  expect(asked.ids).toHaveLength(5)
})

test('asking for the result first and iterating at once is one generation', async () => {
  const generation = generate(createSession(model), tokenizer, [1, 2, 3], options)
  const { result } = generation
  const ids: number[] = []
  for await (const { id } of generation) ids.push(id)
  expect((await result).ids).toEqual(ids)
})

test('a second iteration is refused, and errors reach who asks for the result alone', async () => {
  const generation = generate(createSession(model), tokenizer, [1], options)
  await generation.result
  await expect(generation[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'invalid-option' })
  await expect(generate(createSession(model), tokenizer, [], options).result).rejects.toMatchObject({
    code: 'invalid-value',
  })
  const controller = new AbortController()
  controller.abort()
  await expect(
    generate(createSession(model), tokenizer, [1, 2], { ...options, signal: controller.signal }).result,
  ).rejects.toMatchObject({ code: 'aborted' })
})

test('a generation whose session another one has taken ends with an error, instead of going on with its tokens', async () => {
  const session = createSession(model)
  const first = generate(session, tokenizer, [1, 2, 3], options)[Symbol.asyncIterator]()
  await first.next()
  const second = generate(session, tokenizer, [4, 5, 6], options)
  const { ids } = await second.result
  expect(ids).toEqual((await generate(createSession(model), tokenizer, [4, 5, 6], options).result).ids)
  await expect(first.next()).rejects.toMatchObject({
    code: 'invalid-option',
    message: expect.stringContaining('another generation began on the same session'),
  })
})

test('the time that the caller takes between two pieces is not decode time', async () => {
  const session = createSession(model)
  let clock = 0
  const now = vi.spyOn(performance, 'now').mockImplementation(() => clock)
  try {
    const timed: typeof session = {
      ...session,
      tokens: session.tokens,
      stepGreedy(id) {
        clock += 10
        return session.stepGreedy(id)
      },
    }
    const generation = generate(timed, tokenizer, [1, 2, 3], options)
    for await (const _ of generation) clock += 1000
    expect((await generation.result).timings).toMatchObject({ promptMs: 0, decodeTokens: 4, decodeMs: 40 })
  } finally {
    now.mockRestore()
  }
})

test.each([Number.NaN, -1, 2.5])('maxTokens %d is refused, by value and with what to do', async (maxTokens) => {
  const session = createSession(model)
  await expect(generate(session, tokenizer, [1, 2], { ...options, maxTokens }).result).rejects.toMatchObject({
    code: 'invalid-option',
    message: expect.stringMatching(new RegExp(`maxTokens .* not ${maxTokens}; leave it out`)),
  })
  expect(session.tokens).toHaveLength(0)
})

test('maxTokens 0 computes the prompt and gives no token', async () => {
  const { ids, stop } = await generate(createSession(model), tokenizer, [1, 2], { ...options, maxTokens: 0 }).result
  expect(ids).toEqual([])
  expect(stop).toBe('length')
})
