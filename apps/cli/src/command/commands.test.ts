import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { tessera } from '../../test/support/capture.ts'
import {
  inFolder,
  llamaFolder,
  llamaGguf,
  tiny,
  type TinyGolden,
  tinyGolden,
  tinyWith,
} from '../../test/support/models.ts'

let golden: TinyGolden['prompts'][number]
beforeAll(async () => {
  golden = (await tinyGolden()).prompts[0] as typeof golden
})
const onReference = ['--device', 'reference']

/** The object that a command prints with `--json`: one line, and nothing else on stdout. */
async function json(...argv: string[]): Promise<{ result: Record<string, unknown>; stderr: string }> {
  const { code, stdout, stderr } = await tessera([...argv, '--json'])
  expect(code, stderr).toBe(0)
  expect(stdout.endsWith('}\n')).toBe(true)
  expect(stdout.trimEnd()).not.toContain('\n')
  return { result: JSON.parse(stdout) as Record<string, unknown>, stderr }
}

const stated =
  /needs [\d.]+ MiB of memory \(weights [\d.]+ MiB, cache [\d.]+ [KM]iB at \d+ tokens, buffers [\d.]+ [KM]iB\)/

describe('run', () => {
  test('writes the greedy tokens of the golden, and nothing but the text on stdout', async () => {
    const { code, stdout, stderr } = await tessera([
      'run',
      tiny,
      '-p',
      golden.text,
      '--max-tokens',
      '8',
      '--temperature',
      '0',
      ...onReference,
    ])
    expect({ code, stdout }).toEqual({ code: 0, stdout: ': The President of the United States,\n' })
    expect(stderr).toMatch(stated)
    expect(stderr).toMatch(/7 prompt tokens at [\d.]+ tok\/s, 8 generated at [\d.]+ tok\/s \(length\) on reference/)
  })

  test('--json', async () => {
    const { result, stderr } = await json(
      'run',
      tiny,
      '-p',
      golden.text,
      '--max-tokens',
      '8',
      '--temperature',
      '0',
      ...onReference,
    )
    expect(result).toEqual({
      ids: golden.greedy.slice(0, 8),
      text: ': The President of the United States,',
      stop: 'length',
      timings: {
        loadMs: expect.any(Number),
        promptTokens: 7,
        promptTokensPerSecond: expect.any(Number),
        decodeTokens: 7,
        decodeTokensPerSecond: expect.any(Number),
      },
    })
    expect(stderr).toMatch(stated)
  })

  test('--ids is the prompt as it is', async () => {
    const { result } = await json(
      'run',
      tiny,
      '--ids',
      golden.idsWithBos.join(','),
      '--max-tokens',
      '8',
      '--temperature',
      '0',
      ...onReference,
    )
    expect(result['ids']).toEqual(golden.greedy.slice(0, 8))
  })

  test('the same seed gives the same text, another seed another', async () => {
    const once = async (seed: string): Promise<unknown> =>
      (
        await json(
          'run',
          tiny,
          '-p',
          golden.text,
          '--max-tokens',
          '8',
          '--temperature',
          '2',
          '--seed',
          seed,
          ...onReference,
        )
      ).result['ids']
    const first = await once('1')
    expect(await once('1')).toEqual(first)
    expect(await once('2')).not.toEqual(first)
  })

  test('ends with the context of the model', async () => {
    const { result } = await json(
      'run',
      tiny,
      '--ids',
      Array.from({ length: 250 }, (_, index) => index).join(','),
      '--max-tokens',
      '20',
      '--ignore-eos',
      ...onReference,
    )
    expect(result).toMatchObject({ stop: 'context', timings: { promptTokens: 250, decodeTokens: 5 } })
  })

  test('ends at an end token, unless told to go on', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'model.gguf')
      await tinyWith(path, [['tokenizer.ggml.eos_token_id', { type: 'u32', value: golden.greedy[2] as number }]])
      const argv = ['run', path, '-p', golden.text, '--max-tokens', '4', '--temperature', '0', ...onReference]
      expect((await json(...argv)).result).toMatchObject({ ids: golden.greedy.slice(0, 2), stop: 'eos' })
      expect((await json(...argv, '--ignore-eos')).result).toMatchObject({
        ids: golden.greedy.slice(0, 4),
        stop: 'length',
      })
    }))

  test('puts the message into the chat template of the model, and leaves it as it is with --raw', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'model.gguf')
      const rest = golden.text.replace('The President', '')
      await tinyWith(path, [
        ['tokenizer.chat_template', { type: 'string', value: '{{ bos_token }}The President{{ messages[0].content }}' }],
      ])
      const argv = ['run', path, '--max-tokens', '4', '--temperature', '0', ...onReference]
      const { result } = await json(...argv, '-p', rest)
      expect(result).toMatchObject({ ids: golden.greedy.slice(0, 4), timings: { promptTokens: 7 } })
      expect((await json(...argv, '-p', rest, '--raw')).result).toMatchObject({ timings: { promptTokens: 5 } })
    }))
})

describe('logits', () => {
  test('--json', async () => {
    const { result } = await json('logits', tiny, '--ids', golden.idsWithBos.join(','), '--top', '10', ...onReference)
    expect(Object.keys(result)).toEqual(['logsumexp', 'mean', 'std', 'top'])
    expect(Math.abs((result['logsumexp'] as number) - golden.logsumexp)).toBeLessThan(1e-3)
    const top = result['top'] as { id: number; logit: number }[]
    expect(top.map(({ id }) => id)).toEqual(golden.top10Ids)
    for (const [index, { logit }] of top.entries())
      expect(Math.abs(logit - (golden.top10Logits[index] as number))).toBeLessThan(1e-3)
  })

  test('a table for people', async () => {
    const { stdout } = await tessera([
      'logits',
      tiny,
      '--ids',
      golden.idsWithBos.join(','),
      '--top',
      '1',
      ...onReference,
    ])
    expect(stdout).toMatch(/^logsumexp 9\.6549\d*\nmean -?[\d.]+\nstd [\d.]+\n26\t8\.877\d\d\t":"\n$/)
  })
})

describe('a folder with config.json and safetensors alone, which has no tokenizer', () => {
  const withBareFolder = (
    use: (bare: string, golden: { ids: number[]; greedy: number[]; logsumexp: number }) => Promise<void>,
  ): Promise<void> =>
    inFolder(async (folder) => {
      const bare = join(folder, 'bare')
      await mkdir(bare)
      await copyFile(join(llamaFolder, 'model.safetensors'), join(bare, 'model.safetensors'))
      const config = JSON.parse(await readFile(join(llamaFolder, 'config.json'), 'utf8')) as object
      const pytorch = JSON.parse(await readFile(join(llamaFolder, '../llama.json'), 'utf8')) as {
        ids: number[]
        greedy: number[]
        logsumexp: number
      }
      await writeFile(join(bare, 'config.json'), JSON.stringify({ ...config, eos_token_id: pytorch.greedy[3] }))
      await use(bare, pytorch)
    })

  test('logits', () =>
    withBareFolder(async (bare, { ids, greedy, logsumexp }) => {
      const { result } = await json('logits', bare, '--ids', ids.join(','), '--top', '1', ...onReference)
      expect(Math.abs((result['logsumexp'] as number) - logsumexp)).toBeLessThan(1e-4)
      expect(result['top']).toEqual([{ id: greedy[0], logit: expect.any(Number) }])
    }))

  test('run, with ids of which none has a text, up to the end token of config.json', () =>
    withBareFolder(async (bare, { ids, greedy }) => {
      const argv = ['run', bare, '--ids', ids.join(','), '--max-tokens', '24', '--temperature', '0', ...onReference]
      expect((await json(...argv)).result).toMatchObject({ ids: greedy.slice(0, 3), text: '', stop: 'eos' })
      expect((await json(...argv, '--ignore-eos')).result).toMatchObject({ ids: greedy, stop: 'length' })
    }))

  test('inspect, and what changes weights without a text', () =>
    withBareFolder(async (bare) => {
      expect((await json('inspect', bare)).result).toMatchObject({
        container: 'safetensors',
        config: { architecture: 'llama' },
      })
      expect(
        (await json('convert-heads', bare, `${bare}-mqa`, '--kv-heads', '1', '--method', 'mean')).result,
      ).toMatchObject({ numKvHeads: { before: 2, after: 1 } })
      expect((await json('logits', `${bare}-mqa`, '--ids', '1,2', ...onReference)).result).toHaveProperty('logsumexp')
    }))
})

describe('tokenize', () => {
  test('--text', async () => {
    expect((await json('tokenize', tiny, '--text', golden.text)).result).toEqual({ ids: golden.idsWithBos })
    expect((await json('tokenize', tiny, '--text', golden.text, '--no-bos')).result).toEqual({
      ids: golden.idsWithBos.slice(1),
    })
    expect((await tessera(['tokenize', tiny, '--text', 'whale', '--no-bos'])).stdout).toMatch(/^\d+\t"wh.*"\n/)
  })

  test('the text is taken as it is: quotes, blanks, digits, dots', async () => {
    for (const text of ['"quoted"', "'single'", ' blank ', '007', '1e3', 'a.b', 'a=b', '-dash']) {
      const { result } = await json('tokenize', tiny, `--text=${text}`, '--no-bos')
      const { result: longer } = await json('tokenize', tiny, `--text=x${text}`, '--no-bos')
      expect(result['ids'], text).not.toEqual(longer['ids'])
      expect((result['ids'] as number[]).length, text).toBeGreaterThan(0)
    }
  })

  test('special tokens in the text are read as tokens, or with --no-special as text', async () => {
    expect((await json('tokenize', tiny, '--text', '<|endoftext|>', '--no-bos')).result).toEqual({ ids: [0] })
    const { result } = await json('tokenize', tiny, '--text', '<|endoftext|>', '--no-bos', '--no-special')
    expect((result['ids'] as number[]).length).toBeGreaterThan(5)
  })

  test('--jsonl: one list a line, whatever is in the strings', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'texts.jsonl')
      await writeFile(path, `${JSON.stringify(golden.text)}\n\n"a\u2028b"\r\n${JSON.stringify('two\nlines')}`)
      const { result } = await json('tokenize', tiny, '--jsonl', path)
      const ids = result['ids'] as number[][]
      expect(ids).toHaveLength(3)
      expect(ids[0]).toEqual(golden.idsWithBos)
      expect((await tessera(['tokenize', tiny, '--jsonl', path])).stdout).toBe(
        ids.map((line) => `${line.join(' ')}\n`).join(''),
      )
    }))

  test('--jsonl: a line that is no string is named', () =>
    inFolder(async (folder) => {
      const path = join(folder, 'texts.jsonl')
      await writeFile(path, '"fine"\n{"not":"a string"}\n')
      const { code, stderr } = await tessera(['tokenize', tiny, '--jsonl', path])
      expect(code).toBe(1)
      expect(stderr).toContain('texts.jsonl:2 must be one JSON string, but is {"not":"a string"}')
    }))
})

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
      // 128 tokens stay exact: those of a chunk come on top.
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

test('inspect --json', async () => {
  const { result } = await json('inspect', tiny, ...onReference)
  expect(result).toMatchObject({
    container: 'gguf',
    bytes: 5_579_232,
    parameters: 2_755_008,
    formats: { f16: { tensors: 43 }, f32: { tensors: 13 } },
    config: { architecture: 'llama', numLayers: 6, hiddenSize: 192, numHeads: 6, numKvHeads: 2, contextLength: 256 },
    memory: {
      totalBytes: expect.any(Number),
      weightBytes: expect.any(Number),
      cacheBytes: expect.any(Number),
      contextLength: 256,
    },
  })
  expect(result).not.toHaveProperty('error')
  expect((await json('inspect', tiny, '--tensors')).result['tensors']).toHaveLength(56)
  const { stdout } = await tessera(['inspect', tiny])
  expect(stdout).toMatch(stated)
  expect(stdout).toContain('llama: 6 layers, width 192, 6 query and 2 KV heads of 32')
})

test('--cache says how keys and values are kept: fewer bytes, and the same likely token', async () => {
  const bytes = async (cache: string): Promise<number> =>
    ((await json('inspect', tiny, '--cache', cache)).result['memory'] as { cacheBytes: number }).cacheBytes
  expect(await bytes('f16')).toBe((await bytes('f32')) / 2)
  // 9 bits an element; of 6 layers, the keys of 160 tokens in f16 beside them, and four words that say which.
  expect(await bytes('int8')).toBe(((await bytes('f32')) * 9) / 32 + 6 * (160 * 2 * 32 * 2 + 16))
  const run = async (cache: string): Promise<unknown> =>
    (
      await json(
        'run',
        tiny,
        '--ids',
        '5,42,79,116,153',
        '--max-tokens',
        '1',
        '--temperature',
        '0',
        '--ignore-eos',
        '--cache',
        cache,
        '--device',
        'wasm',
        '--threads',
        '1',
      )
    ).result['ids']
  expect(await run('int8')).toEqual(await run('f32'))
  expect((await tessera(['run', tiny, '-p', 'x', '--cache', 'int3'])).stderr).toContain(
    '--cache must not be "int3" but one of',
  )
})

test('bench --json', async () => {
  const { result } = await json('bench', tiny, '--prompt', '8', '--generate', '2', '--repeat', '1', ...onReference)
  expect(Object.keys(result)).toEqual(['promptTokensPerSecond', 'decodeTokensPerSecond', 'loadMs', 'peakRssBytes'])
  for (const value of Object.values(result)) expect(value).toBeGreaterThan(0)
  expect(result['peakRssBytes']).toBeGreaterThan(20e6)
})
