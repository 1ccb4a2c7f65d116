import type { AppendOptions } from '@tessera-llm/runtime'
import { isTesseraError } from '@tessera-llm/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EvaluatedSession } from '../perplexity/index.ts'
import { compareLogits } from './compare-logits.ts'
import { measureDivergence } from './measure-divergence.ts'

/**
 * Two windows of three tokens: logits of one model, of another, and the token that came. All values are exact in f32.
 */
const rows: readonly (readonly (readonly [original: number[], compared: number[], target: number])[])[] = [
  [
    [
      [3.703125, -2.171875, 5.609375, -0.515625, 4.796875, 5.578125],
      [4.171875, 2.21875, -5.796875, 1.1875, 6.15625, -2.265625],
      5,
    ],
    [
      [-5.421875, -3.75, -4.453125, -0.3125, 1.25, -2.3125],
      [-0.171875, 2.4375, -4.625, 2.921875, -2.265625, -6.046875],
      5,
    ],
    [[-2.796875, 0.265625, -1.78125, -3.34375, 6, -0.03125], [-3.703125, 5.9375, -5.109375, -4.03125, 3.625, 3.625], 3],
  ],
  [
    [
      [-4.234375, -4.140625, -6.234375, -6.171875, -2.90625, 6.125],
      [-2.8125, -3.609375, -3.59375, -1.625, -1.234375, -3.078125],
      4,
    ],
    [
      [4.59375, 3.75, -2.984375, -3.34375, 4.796875, -3.109375],
      [-0.125, -1.484375, -5.90625, -0.484375, 0.375, -3.609375],
      1,
    ],
    [
      [-2.03125, -5.21875, -0.953125, -1.4375, 3.390625, 3.125],
      [-6.203125, 3.28125, 4.59375, 5.0625, -0.84375, -5.203125],
      2,
    ],
  ],
]
/**
 * Computed with Python's decimal at 50 digits from the definitions: Σ p (ln p − ln q), mean, and the two standard
 * errors.
 */
const exact = {
  divergences: [
    6.9056567665737525, 4.2786262270166935, 2.446787136712069, 2.642889424605887, 0.2586887638898348, 7.539844375616944,
  ],
  kld: 4.012082115735863,
  kldStandardError: 1.1445774363777836,
  kldStandardErrorClustered: 0.5316079276983081,
  agreeing: 1,
  originalPerplexity: 145.65735635504558,
  comparedPerplexity: 233.16545509093788,
}

/** Session that returns the logits in `rows`; a window is its first token (0 or 1) and the targets. */
function scripted(which: 0 | 1): EvaluatedSession {
  return {
    contextLength: 8,
    truncate: () => {},
    async prefill(ids: readonly number[], { everyLogits }: AppendOptions = {}) {
      const all = (rows[ids[0] as number] ?? []).map((row) => Float32Array.from(row[which]))
      for (let position = everyLogits?.from ?? ids.length; position < ids.length; position += 2)
        everyLogits?.visit(all.slice(position, Math.min(position + 2, ids.length)), position)
      return all[ids.length - 1] as Float32Array
    },
  }
}
const ids = rows.flatMap((window, index) => [index, ...window.map(([, , target]) => target)])

test('one row of logits: KL, both likelihoods, agreement', () => {
  for (const [index, [original, compared, target]] of rows.flat().entries()) {
    expect(compareLogits(original, compared, target).divergence).toBeCloseTo(exact.divergences[index] as number, 12)
  }
  // p = (1/2, 1/2), q = (3/4, 1/4): KL = ln(4/3) / 2.
  const { divergence, originalNll, comparedNll, agrees } = compareLogits([100, 100], [Math.log(3) - 50, -50], 1)
  expect(divergence).toBeCloseTo(Math.log(4 / 3) / 2, 13)
  expect([originalNll, comparedNll]).toEqual([expect.closeTo(Math.log(2), 13), expect.closeTo(Math.log(4), 13)])
  expect(agrees).toBe(true)
})

test('never below zero, and zero for logits that differ by a constant', () => {
  const logits = fc.array(fc.double({ min: -30, max: 30, noNaN: true }), { minLength: 2, maxLength: 20 })
  fc.assert(
    fc.property(logits, fc.double({ min: -100, max: 100, noNaN: true }), fc.integer(), (x, shift, seed) => {
      const y = x.map((value, index) => value * Math.sin(index + seed))
      expect(compareLogits(x, y, 0).divergence).toBeGreaterThanOrEqual(0)
      expect(compareLogits(x, x, 0).divergence).toBe(0)
      expect(
        compareLogits(
          x,
          x.map((value) => value + shift),
          0,
        ).divergence,
      ).toBeLessThan(1e-12)
    }),
  )
})

test('refuses different vocabularies, tokens outside of them, and logits that are no numbers', () => {
  expect(() => compareLogits([0, 0], [0, 0, 0], 0)).toThrow(
    'the original has 2 logits a token, the other model 3; both must have the same vocabulary',
  )
  expect(() => compareLogits([0, 0], [0, 0], 2)).toThrow('the token id 2 is not in the vocabulary (0 … 1)')
  expect(() => compareLogits([0, 0], [0, Number.NaN], 0)).toThrow(/overflows/)
  expect(() => compareLogits([0, Number.POSITIVE_INFINITY], [0, 0], 0)).toThrow(/overflows/)
})

describe('measureDivergence', () => {
  test('the mean with both errors, and both perplexities, as exact arithmetic has them', async () => {
    const seen: number[] = []
    const result = await measureDivergence(scripted(0), scripted(1), ids, {
      window: 4,
      protocol: 'all',
      onProgress: ({ windows, totalWindows }) => seen.push(windows, totalWindows),
    })
    for (const key of ['kld', 'kldStandardError', 'kldStandardErrorClustered'] as const)
      expect(result[key], key).toBeCloseTo(exact[key], 12)
    expect([result.tokens, result.top1Agreement]).toEqual([6, exact.agreeing / 6])
    expect(result.divergence.map((sum) => sum / 3)).toEqual(
      [0, 1].map((window) =>
        expect.closeTo(
          exact.divergences.slice(3 * window, 3 * window + 3).reduce((sum, value) => sum + value, 0) / 3,
          12,
        ),
      ),
    )
    expect(result.original.perplexity / exact.originalPerplexity).toBeCloseTo(1, 12)
    expect(result.compared.perplexity / exact.comparedPerplexity).toBeCloseTo(1, 12)
    expect(seen).toEqual([1, 2, 2, 2])
  })

  test('second-half scores the tokens after the half alone', async () => {
    const { tokens, kld } = await measureDivergence(scripted(0), scripted(1), ids, { window: 4 })
    expect(tokens).toBe(2)
    expect(kld).toBeCloseTo(((exact.divergences[2] as number) + (exact.divergences[5] as number)) / 2, 12)
  })

  test('a model is not divergent from itself', async () => {
    const { kld, top1Agreement, original, compared } = await measureDivergence(scripted(0), scripted(0), ids, {
      window: 4,
      protocol: 'all',
    })
    expect([kld, top1Agreement]).toEqual([0, 1])
    expect(compared).toEqual(original)
  })

  test('refuses a window that one of the contexts cannot hold, and stops when aborted', async () => {
    await expect(
      measureDivergence(scripted(0), { ...scripted(1), contextLength: 2 }, ids, { window: 4 }),
    ).rejects.toThrow("a window of 4 tokens exceeds the sessions' context of 2; use a window of at most 3")
    const abort = new AbortController()
    const prefill: EvaluatedSession['prefill'] = async (...given) => {
      abort.signal.throwIfAborted()
      return scripted(1).prefill(...given)
    }
    const aborting: EvaluatedSession = { ...scripted(1), prefill }
    const measured = measureDivergence(scripted(0), aborting, ids, {
      window: 4,
      signal: abort.signal,
      onProgress: () => abort.abort(),
    })
    const error = await measured.catch((reason: unknown) => reason)
    expect(isTesseraError(error, 'aborted')).toBe(true)
    expect(String(error)).toContain('after 1 of 2 windows')
  })
})
