import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allCandidates, probabilities } from './candidates.ts'
import { acceptDraft, createSampler, type SamplerOptions, samplerSteps } from './index.ts'

const logitsOf = (size: { readonly minLength: number; readonly maxLength: number }) =>
  fc
    .array(
      fc.oneof(fc.float({ min: -30, max: 30, noNaN: true }), fc.constantFrom(1, 2, Number.NEGATIVE_INFINITY)),
      size,
    )
    .map((values) => Float32Array.of(0, ...values))
const someOptions: fc.Arbitrary<SamplerOptions> = fc.record(
  {
    temperature: fc.double({ min: 0.05, max: 5, noNaN: true }),
    topK: fc.integer({ min: 1, max: 60 }),
    topP: fc.double({ min: 0, max: 1, noNaN: true }),
    minP: fc.double({ min: 0, max: 1, noNaN: true }),
    typicalP: fc.double({ min: 0, max: 1, noNaN: true }),
    repetitionPenalty: fc.double({ min: 0.5, max: 2, noNaN: true }),
    frequencyPenalty: fc.double({ min: -2, max: 2, noNaN: true }),
    presencePenalty: fc.double({ min: -2, max: 2, noNaN: true }),
    order: fc.constantFrom('transformers' as const, 'llama.cpp' as const),
    seed: fc.nat(),
  },
  { requiredKeys: ['temperature', 'seed'] },
)
const anyLogits = logitsOf({ minLength: 0, maxLength: 50 })

describe('a sampler', () => {
  it('draws only tokens that its steps keep, of which there is always one, by rising id', () => {
    fc.assert(
      fc.property(
        anyLogits,
        someOptions,
        fc.array(fc.nat({ max: 50 }), { maxLength: 10 }),
        (logits, options, history) => {
          const left = samplerSteps(options).reduce(
            (candidates, step) => step(candidates, history),
            allCandidates(logits),
          )
          expect(left.ids.length).toBeGreaterThan(0)
          expect([...left.ids]).toEqual([...new Set(left.ids)].sort((a, b) => a - b))
          const total = probabilities(left.logits).reduce((a, b) => a + b, 0)
          expect(total).toBeCloseTo(1, 9)
          const id = createSampler(options).sample(logits, history)
          expect(left.ids).toContain(id)
          expect(logits[id]).not.toBe(Number.NEGATIVE_INFINITY)
        },
      ),
      { numRuns: 1000 },
    )
  })

  it('draws the same tokens from the same seed, and others from another', () => {
    const logits = Float32Array.from({ length: 100 }, () => 0)
    const tokens = (seed: number) => {
      const sampler = createSampler({ temperature: 1, seed })
      return Array.from({ length: 20 }, () => sampler.sample(logits, []))
    }
    expect(tokens(3)).toEqual(tokens(3))
    expect(tokens(3)).not.toEqual(tokens(4))
    expect(new Set(tokens(3)).size).toBeGreaterThan(5)
  })

  it('draws tokens as often as they are likely', () => {
    const logits = Float32Array.from([0.1, 0.2, 0.3, 0.4], Math.log)
    const sampler = createSampler({ temperature: 1, seed: 1 })
    const counts = [0, 0, 0, 0]
    const draws = 20_000
    for (let drawn = 0; drawn < draws; drawn++) {
      const id = sampler.sample(logits, [])
      counts[id] = (counts[id] as number) + 1
    }
    // Chi-squared with 3 degrees of freedom exceeds 16.3 with probability 0.001; the seed is fixed.
    const chi = counts.reduce(
      (sum, count, id) => sum + (count - draws * 0.1 * (id + 1)) ** 2 / (draws * 0.1 * (id + 1)),
      0,
    )
    expect(chi).toBeLessThan(16.3)
  })

  it('takes the first of the most likely tokens at temperature 0, after penalties and bias', () => {
    const logits = Float32Array.of(1, 3, 3, -1)
    expect(createSampler().isGreedy).toBe(true)
    expect(createSampler().sample(logits, [])).toBe(1)
    expect(createSampler({ presencePenalty: 1 }).sample(logits, [1])).toBe(2)
    expect(createSampler({ repetitionPenalty: 2 }).sample(logits, [1, 2])).toBe(1)
    expect(createSampler({ logitBias: { 3: 10 } }).sample(logits, [])).toBe(3)
    expect(createSampler({ logitBias: { 1: Number.NEGATIVE_INFINITY } }).sample(logits, [])).toBe(2)
    expect(createSampler({ presencePenalty: 1 }).isGreedy).toBe(false)
  })

  it('a limit of one token is greedy, whatever the temperature', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 30 }),
        fc.nat(),
        (values, seed) => {
          const logits = Float32Array.from(values)
          const greedy = createSampler().sample(logits, [])
          for (const limit of [{ topK: 1 }, { topP: 0 }, { minP: 1 }])
            expect(createSampler({ temperature: 5, seed, ...limit }).sample(logits, [])).toBe(greedy)
        },
      ),
    )
  })

  it('keeps the most likely tokens: none that is dropped is likelier than one that is kept', () => {
    fc.assert(
      fc.property(
        anyLogits,
        fc.constantFrom('topK', 'topP', 'minP'),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        (logits, name, share) => {
          const value = name === 'topK' ? Math.ceil(share * logits.length) : share
          const left = samplerSteps({ temperature: 1, [name]: value }).reduce(
            (candidates, step) => step(candidates, []),
            allCandidates(logits),
          )
          const smallest = Math.min(...left.logits)
          const kept = new Set(left.ids)
          for (const [id, logit] of logits.entries())
            if (!kept.has(id)) expect(logit).toBeLessThanOrEqual(smallest + 1e-12)
        },
      ),
    )
  })

  it.each([
    ['NaN', Float32Array.of(1, Number.NaN)],
    ['+∞', Float32Array.of(1, Number.POSITIVE_INFINITY)],
    ['nothing finite', Float32Array.of(Number.NEGATIVE_INFINITY)],
    ['no logits', new Float32Array()],
  ])('refuses logits that are nonsense: %s', (_, logits) => {
    for (const temperature of [0, 1])
      expect(() => createSampler({ temperature }).sample(logits, [])).toThrow(
        expect.objectContaining({ code: 'invalid-value' }),
      )
  })

  it('refuses a bias that leaves no token', () => {
    const logitBias = { 0: Number.NEGATIVE_INFINITY, 1: Number.NEGATIVE_INFINITY }
    for (const temperature of [0, 0.5, 1]) {
      expect(() => createSampler({ temperature, logitBias }).sample(Float32Array.of(1, 2), [])).toThrow(
        expect.objectContaining({ code: 'invalid-value' }),
      )
    }
  })

  it.each<SamplerOptions>([
    { temperature: -1 },
    { temperature: Number.NaN },
    { topK: 0 },
    { topK: 1.5 },
    { topP: 1.1 },
    { minP: -0.1 },
    { typicalP: 2 },
    { repetitionPenalty: 0 },
    { frequencyPenalty: Number.NaN },
    { presencePenalty: Number.POSITIVE_INFINITY },
    { logitBias: { [-1]: 1 } },
    { logitBias: { 0: Number.NaN } },
    { order: 'random' as 'llama.cpp' },
  ])('refuses %o', (options) => {
    expect(() => createSampler(options)).toThrow(expect.objectContaining({ code: 'invalid-option' }))
  })

  it('refuses a bias for a token that the vocabulary lacks', () => {
    expect(() => createSampler({ logitBias: { 9: 1 } }).sample(Float32Array.of(1, 2), [])).toThrow(/names the token 9/)
  })
})

describe('speculative sampling', () => {
  it('refuses distributions that do not fit the draft', () => {
    expect(() => acceptDraft({ target: [[1]], proposal: [[1]], draft: [0], uniform: () => 0 })).toThrow(
      expect.objectContaining({ code: 'invalid-value' }),
    )
  })

  it('rejects a token that could not have been drafted', () => {
    expect(
      acceptDraft({
        target: [
          [0, 1],
          [1, 0],
        ],
        proposal: [[1, 0]],
        draft: [1],
        uniform: () => 0,
      }),
    ).toEqual([1])
  })
})
