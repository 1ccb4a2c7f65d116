import { createReferenceDevice } from '@tessera-llm/tensor'
import { afterAll, beforeAll, expect, test } from 'vitest'
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
