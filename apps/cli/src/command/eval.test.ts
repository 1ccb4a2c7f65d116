import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { tessera } from '../../test/support/capture.ts'
import { json, onReference } from '../../test/support/json.ts'
import { inFolder, llamaGguf, tiny, tinyWith } from '../../test/support/models.ts'

describe('eval', () => {
  const inText = <T>(use: (path: string) => Promise<T>): Promise<T> =>
    inFolder(async (folder) => {
      const path = join(folder, 'text.txt')
      await writeFile(
        path,
        'The President of the United States is the head of the Government, and of the people. '.repeat(6),
      )
      return use(path)
    })

  test('--json', () =>
    inText(async (path) => {
      const { result } = await json(
        'eval',
        tiny,
        '--text',
        path,
        '--window',
        '32',
        '--skip',
        '1',
        '--windows',
        '2',
        '--protocol',
        'all',
        ...onReference,
      )
      expect(Object.keys(result)).toEqual(['perplexity', 'standardError', 'standardErrorClustered', 'tokens', 'nll'])
      expect(result['tokens']).toBe(62)
      const nll = result['nll'] as number[]
      expect(nll).toHaveLength(2)
      expect(result['perplexity']).toBeCloseTo(Math.exp(((nll[0] as number) + (nll[1] as number)) / 62), 10)
    }))

  test('scores each window from a BOS on, as the golden protocol says', () =>
    inText(async (path) => {
      const { result } = await json(
        'eval',
        tiny,
        '--text',
        path,
        '--window',
        '4',
        '--windows',
        '1',
        '--skip',
        '2',
        '--protocol',
        'all',
        ...onReference,
      )
      const { result: tokens } = await json(
        'tokenize',
        tiny,
        '--text',
        'The President of the United States is the head of the Government, and of the people.',
      )
      const [, ...window] = (tokens['ids'] as number[]).slice(8, 12)
      let sum = 0
      for (const [index, id] of window.entries()) {
        const { result: row } = await json(
          'logits',
          tiny,
          '--ids',
          [0, ...window.slice(0, index)].join(','),
          '--top',
          '2048',
          ...onReference,
        )
        const top = row['top'] as { id: number; logit: number }[]
        sum += (row['logsumexp'] as number) - (top.find((entry) => entry.id === id)?.logit as number)
      }
      expect((result['nll'] as number[])[0]).toBeCloseTo(sum, 4)
    }))

  test('for people, with both errors', () =>
    inText(async (path) => {
      const { stdout } = await tessera([
        'eval',
        tiny,
        '--text',
        path,
        '--window',
        '16',
        '--windows',
        '2',
        ...onReference,
      ])
      expect(stdout).toMatch(
        /^perplexity [\d.]+ ± [\d.]+ \(tokens independent\), ± [\d.]+ \(windows as clusters\)\n14 tokens scored by second-half in 2 windows of 16, f32 activations on reference/,
      )
    }))

  test('--against adds the divergence, which is zero from the model itself and not from the model with other weights', () =>
    inText(async (path) => {
      const argv = [
        'eval',
        tiny,
        '--text',
        path,
        '--window',
        '16',
        '--windows',
        '2',
        '--protocol',
        'all',
        ...onReference,
      ]
      const { result: alone } = await json(...argv)
      const { result } = await json(...argv, '--against', tiny)
      expect(result).toEqual({
        ...alone,
        kld: 0,
        kldStandardError: 0,
        kldStandardErrorClustered: 0,
        top1Agreement: 1,
        original: alone,
      })
      const changed = join(path, '../changed.gguf')
      await tinyWith(changed, [], (name, bytes) =>
        name === 'output_norm.weight'
          ? new Uint8Array(
              new Float32Array(bytes.slice().buffer).map((value, index) => value * (1 + (index % 7) / 50)).buffer,
            )
          : bytes,
      )
      const { result: other } = await json(...argv, '--against', changed)
      expect(other['kld']).toBeGreaterThan(1e-4)
      expect(other).toMatchObject({
        perplexity: alone['perplexity'],
        kldStandardError: expect.any(Number),
        kldStandardErrorClustered: expect.any(Number),
      })
      const { stdout } = await tessera([...argv, '--against', changed])
      expect(stdout).toMatch(
        /\ndivergence 0\.\d+ ± 0\.\d+ \(tokens independent\), ± 0\.\d+ \(windows as clusters\) from .*changed\.gguf, of perplexity [\d.]+\nthe same most likely token in [\d.]+ % of places\n/,
      )
    }))

  test('--chunk 1 reads as in generation, where a cache of few bits has rounded all but the last tokens', () =>
    inText(async (path) => {
      await writeFile(path, (await readFile(path, 'utf8')).repeat(2))
      const kld = async (...more: readonly string[]): Promise<number> =>
        (
          await json(
            'eval',
            tiny,
            '--text',
            path,
            '--window',
            '200',
            '--windows',
            '1',
            '--protocol',
            'all',
            '--against',
            tiny,
            '--cache',
            'int2',
            '--device',
            'wasm',
            '--threads',
            '1',
            ...more,
          )
        ).result['kld'] as number
      // The cache keeps the newest 128 tokens exact, and the tokens of a chunk beside them.
      expect(await kld()).toBeLessThan(1e-5)
      expect(await kld('--chunk', '1')).toBeGreaterThan(1e-5)
    }))

  test('--against refuses a model with another tokenizer', () =>
    inText(async (path) => {
      const { code, stderr } = await tessera([
        'eval',
        tiny,
        '--text',
        path,
        '--window',
        '16',
        '--windows',
        '1',
        '--against',
        llamaGguf,
        ...onReference,
      ])
      expect(code).toBe(1)
      expect(stderr).toMatch(
        /--against: .*llama\.gguf reads the text as other tokens than .*; divergence needs the same tokenizer in both/,
      )
    }))

  test('one window has no clustered error: null', () =>
    inText(async (path) => {
      const { result } = await json('eval', tiny, '--text', path, '--window', '16', '--windows', '1', ...onReference)
      expect(result['standardErrorClustered']).toBeNull()
    }))

  test('a text that is too short is refused before loading', () =>
    inText(async (path) => {
      const { code, stderr } = await tessera(['eval', tiny, '--text', path, '--window', '200', '--windows', '9'])
      expect(code).toBe(1)
      expect(stderr).toContain('9 windows of 200 tokens (0 of them skipped) need 1800 tokens, but the text has')
      expect(stderr).not.toContain('of memory')
    }))
})
