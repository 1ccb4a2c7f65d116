import { readFileSync } from 'node:fs'
import type { AppendOptions } from '@tessera-llm/runtime'
import { isTesseraError } from '@tessera-llm/tensor'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type EvaluatedSession, measurePerplexity } from './measure-perplexity.ts'
import { negativeLogLikelihood } from './negative-log-likelihood.ts'
import { type Perplexity, summarizePerplexity } from './summarize-perplexity.ts'
import { cutWindows, scoredFrom } from './windows.ts'

describe('negativeLogLikelihood', () => {
  test('is −log of the softmax', () => {
    expect(negativeLogLikelihood([0, 0, 0, 0], 2)).toBeCloseTo(Math.log(4), 14)
    expect(negativeLogLikelihood([Math.log(1), Math.log(3)], 1)).toBeCloseTo(Math.log(4 / 3), 14)
  })
  test('does not overflow, and a token that cannot come costs infinity', () => {
    expect(negativeLogLikelihood([1000, 990], 1)).toBeCloseTo(10 + Math.log1p(Math.exp(-10)), 12)
    expect(negativeLogLikelihood([0, Number.NEGATIVE_INFINITY], 1)).toBe(Number.POSITIVE_INFINITY)
  })
  test.each([[[0, Number.NaN]], [[Number.POSITIVE_INFINITY, 0]]])('refuses the logits %j', (logits) => {
    expect(() => negativeLogLikelihood(logits, 0)).toThrow(/overflows/)
  })
  test('refuses a token outside of the vocabulary', () => {
    expect(() => negativeLogLikelihood([0, 0], 2)).toThrow('the token id 2 is not in the vocabulary (0 … 1)')
  })
})

describe('cutWindows', () => {
  const ids = Array.from({ length: 1100 }, (_, index) => index)
  test('cuts whole windows of 512 and leaves the rest out', () => {
    const cuts = cutWindows(ids)
    expect(cuts.map((cut) => [cut[0], cut.at(-1), cut.length])).toEqual([
      [0, 511, 512],
      [512, 1023, 512],
    ])
  })
  test('skips, limits, and puts BOS in the place of the first token', () => {
    expect(cutWindows([1, 2, 3, 4, 5, 6, 7, 8, 9], { window: 3, skip: 1, windows: 1, bosId: 99 })).toEqual([[99, 5, 6]])
  })
  test('scores from the token after the half, as llama-perplexity does', () => {
    expect([scoredFrom(512, 'second-half'), scoredFrom(512, 'all'), scoredFrom(7, 'second-half')]).toEqual([257, 1, 4])
  })
  test.each([
    [{ window: 1 }, 'window must be an integer of at least 2, not 1'],
    [{ window: 2 }, 'a window of 2 leaves no token to score by second-half; use at least 3'],
    [{ window: 2.5 }, 'window must be an integer'],
    [{ windows: 0 }, 'windows must be an integer of at least 1, not 0'],
    [{ skip: -1 }, 'skip must be an integer of at least 0, not -1'],
    [{ skip: 1, windows: 2 }, '3 windows of 512 tokens (1 of them skipped) need 1536 tokens, but the text has 1100'],
    [{ window: 2048 }, '1 windows of 2048 tokens (0 of them skipped) need 2048 tokens'],
  ])('refuses %j', (options, message) => {
    expect(() => cutWindows(ids, options)).toThrow(message)
  })
})

interface GoldenWindow {
  readonly sumNll: number
  readonly runningPpl: number
  readonly runningStdErr: number
}
const golden = JSON.parse(readFileSync(new URL('../../test/golden/smollm2-nll.json', import.meta.url), 'utf8')) as {
  readonly nll: readonly (readonly number[])[]
  readonly llamaCppSecondHalf: readonly GoldenWindow[]
  readonly plainAllPositions: readonly GoldenWindow[]
}

describe('summarizePerplexity', () => {
  test('two windows by hand', () => {
    // mean 2; squares 1 + 1 + 0 + 4 of 3 degrees; window residuals −2 and 2, of which the clustered variance is 2 · (4
    // + 4) / 1 / 16.
    const { perplexity, standardError, standardErrorClustered, tokens, nll } = summarizePerplexity([
      [1, 1],
      [2, 4],
    ])
    expect(perplexity).toBeCloseTo(Math.exp(2), 12)
    expect(standardError).toBeCloseTo(Math.exp(2) * Math.sqrt(6 / 4 / 3), 12)
    expect(standardErrorClustered).toBeCloseTo(Math.exp(2) * Math.sqrt((2 * 8) / 16), 12)
    expect([tokens, nll]).toEqual([4, [2, 6]])
  })

  test.each([
    ['llamaCppSecondHalf', 256],
    ['plainAllPositions', 0],
  ] as const)('the running figures of the golden by %s', (protocol, from) => {
    expect(golden[protocol]).toHaveLength(8)
    for (const [index, expected] of golden[protocol].entries()) {
      const { nll, perplexity, standardError } = summarizePerplexity(
        golden.nll.slice(0, index + 1).map((values) => values.slice(from)),
      )
      expect(Math.abs((nll[index] as number) / expected.sumNll - 1)).toBeLessThan(1e-7)
      expect(Math.abs(perplexity / expected.runningPpl - 1)).toBeLessThan(1e-6)
      expect(Math.abs(standardError / expected.runningStdErr - 1)).toBeLessThan(1e-6)
    }
  })

  test('says NaN where one observation tells nothing', () => {
    const one = summarizePerplexity([[1]])
    expect([one.perplexity, one.standardError, one.standardErrorClustered]).toEqual([Math.E, Number.NaN, Number.NaN])
  })

  test('windows of one token are clusters of one: both errors agree', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 20, noNaN: true }), { minLength: 2, maxLength: 30 }), (values) => {
        const { perplexity, standardError, standardErrorClustered } = summarizePerplexity(
          values.map((value) => [value]),
        )
        expect(Math.abs(standardErrorClustered - standardError)).toBeLessThanOrEqual(1e-9 * perplexity)
      }),
    )
  })
})

/** Predicts the last token plus one (modulo 8) with odds of 7 : 1 against each other token. */
function countingSession(contextLength = 64): EvaluatedSession & { readonly prefilled: number[][] } {
  const prefilled: number[][] = []
  const row = (id: number): Float32Array =>
    Float32Array.from({ length: 8 }, (_, next) => (next === (id + 1) % 8 ? Math.log(7) : 0))
  return {
    contextLength,
    prefilled,
    truncate: () => {},
    async prefill(ids: readonly number[], { signal, everyLogits }: AppendOptions = {}) {
      prefilled.push([...ids])
      const from = everyLogits?.from ?? ids.length
      for (let begin = from; begin < ids.length; begin += 3) {
        signal?.throwIfAborted()
        everyLogits?.visit(ids.slice(begin, begin + 3).map(row), begin)
      }
      return row(ids.at(-1) ?? 0)
    },
  }
}

describe('measurePerplexity', () => {
  // Tokens 1 … 8 of each window of 8 count up, but for the 0 at position 6.
  const ids = [1, 2, 3, 4, 5, 6, 0, 1, 1, 2, 3, 4, 5, 6, 0, 1]
  const expected = -Math.log(1 / 2)
  const unexpected = -Math.log(1 / 14)

  test('all: every token but the first', async () => {
    const { nll, tokens } = await measurePerplexity(countingSession(), ids, { window: 8, protocol: 'all' })
    expect(tokens).toBe(14)
    for (const sum of nll) expect(sum).toBeCloseTo(6 * expected + unexpected, 6)
  })

  test('second-half: the tokens after the half', async () => {
    const { nll, tokens, perplexity } = await measurePerplexity(countingSession(), ids, { window: 8 })
    expect(tokens).toBe(6)
    for (const sum of nll) expect(sum).toBeCloseTo(2 * expected + unexpected, 6)
    expect(perplexity).toBeCloseTo(Math.exp((2 * expected + unexpected) / 3), 6)
  })

  test('reads BOS and does not read the last token, so that a window may be one longer than the context', async () => {
    const session = countingSession(7)
    await measurePerplexity(session, ids, { window: 8, windows: 1, skip: 1, bosId: 7 })
    expect(session.prefilled).toEqual([[7, 2, 3, 4, 5, 6, 0]])
    await expect(measurePerplexity(countingSession(6), ids, { window: 8 })).rejects.toThrow(
      "a window of 8 tokens exceeds the session's context of 6; use a window of at most 7",
    )
  })

  test('reports each window', async () => {
    const seen: { windows: number; totalWindows: number; perplexity: number }[] = []
    const result = await measurePerplexity(countingSession(), ids, {
      window: 8,
      onProgress: (progress) => seen.push(progress),
    })
    expect(seen.map(({ windows, totalWindows }) => [windows, totalWindows])).toEqual([
      [1, 2],
      [2, 2],
    ])
    expect(seen.at(-1)?.perplexity).toBe(result.perplexity)
  })

  test('stops when aborted, and says where', async () => {
    const abort = new AbortController()
    const measured = measurePerplexity(countingSession(), ids, {
      window: 8,
      signal: abort.signal,
      onProgress: () => abort.abort(),
    })
    const error = await measured.then(
      (result: Perplexity) => result,
      (reason: unknown) => reason,
    )
    expect(isTesseraError(error, 'aborted')).toBe(true)
    expect(String(error)).toContain('after 1 of 2 windows')
  })
})
