import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { tessera } from '../../test/support/capture.ts'
import { json, onReference, statedMemory } from '../../test/support/json.ts'
import { inFolder, tiny, type TinyGolden, tinyGolden, tinyWith } from '../../test/support/models.ts'

let golden: TinyGolden['prompts'][number]
beforeAll(async () => {
  golden = (await tinyGolden()).prompts[0] as typeof golden
})

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
    expect(stderr).toMatch(statedMemory)
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
    expect(stderr).toMatch(statedMemory)
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

test('--cache says how keys and values are kept: fewer bytes, and the same likely token', async () => {
  const bytes = async (cache: string): Promise<number> =>
    ((await json('inspect', tiny, '--cache', cache)).result['memory'] as { cacheBytes: number }).cacheBytes
  expect(await bytes('f16')).toBe((await bytes('f32')) / 2)
  // 9 bits an element. Each of the 6 layers also holds the keys of 160 tokens in f16, and four words that identify
  // them.
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
