import { createReferenceDevice } from '@tessera-llm/tensor'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { goldenGguf } from '../../test/support/golden.ts'
import {
  createSession,
  createTokenizerFromGguf,
  generate,
  type GeneratedPiece,
  type LanguageModel,
  llamaFamily,
  loadModel,
  type Sampler,
  type SamplerStep,
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

test('a sampler and processors of the caller choose the tokens, and greedy tokens without them keep their fast path', async () => {
  const session = createSession(model)
  const slow = vi.spyOn(session, 'step')
  const plain = await generate(session, tokenizer, [1, 2, 3], options).result
  expect(slow).not.toHaveBeenCalled()
  const histories: number[][] = []
  const sampler: Sampler = {
    isGreedy: false,
    sample(logits, history) {
      histories.push([...history])
      return logits.length - 1 - histories.length
    },
  }
  const settings = { maxTokens: 2, ignoreEos: true }
  const own = await generate(createSession(model), tokenizer, [1, 2], { ...settings, sampler }).result
  const last = model.config.vocabSize - 1
  expect(own.ids).toEqual([last - 1, last - 2])
  expect(histories).toEqual([
    [1, 2],
    [1, 2, last - 1],
  ])
  const without: SamplerStep = ({ ids, logits }) => ({
    ids,
    logits: logits.map((value, place) => (ids[place] === plain.ids[0] ? Number.NEGATIVE_INFINITY : value)),
  })
  const changed = await generate(createSession(model), tokenizer, [1, 2, 3], { ...options, processors: [without] })
    .result
  expect(changed.ids).not.toContain(plain.ids[0])
  await expect(
    generate(createSession(model), tokenizer, [1], { sampler, temperature: 0.5 }).result,
  ).rejects.toMatchObject({ code: 'invalid-option', message: expect.stringContaining('temperature') })
})

test("logprobs are the model's own, whatever the sampling does", async () => {
  const logits = await createSession(model).prefill([1, 2, 3])
  const total = Math.log([...logits].reduce((sum, value) => sum + Math.exp(value), 0))
  const expected = [...logits]
    .map((value, id) => ({ id, logprob: value - total }))
    .sort((a, b) => b.logprob - a.logprob)
  for (const sampling of [{ temperature: 0 }, { temperature: 3, topK: 2, seed: 7 }]) {
    const pieces: GeneratedPiece[] = []
    const asked = { ...options, ...sampling, logprobs: 4 }
    for await (const piece of generate(createSession(model), tokenizer, [1, 2, 3], asked)) pieces.push(piece)
    const first = pieces[0] as GeneratedPiece
    expect(first.top?.map(({ id }) => id)).toEqual(expected.slice(0, 4).map(({ id }) => id))
    for (const [place, { logprob }] of (first.top ?? []).entries())
      expect(logprob).toBeCloseTo(expected[place]?.logprob ?? 0, 4)
    expect(first.logprob).toBeCloseTo(expected.find(({ id }) => id === first.id)?.logprob ?? 0, 4)
    // The second token's log-probability must come from the logits after the first one.
    const next = await createSession(model).prefill([1, 2, 3, first.id])
    const sum = Math.log([...next].reduce((all, value) => all + Math.exp(value), 0))
    expect(pieces[1]?.logprob).toBeCloseTo((next[pieces[1]?.id ?? 0] as number) - sum, 3)
  }
  const asked = generate(createSession(model), tokenizer, [1], { ...options, logprobs: 1.5 })
  await expect(asked.result).rejects.toMatchObject({ code: 'invalid-option' })
})
