import { copyFile, cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readGguf } from '@tessera-llm/formats'
import { fileSource, openCheckpoint } from '@tessera-llm/formats/node'
import { describe, expect, test } from 'vitest'
import { tessera } from '../../test/support/capture.ts'
import { inFolder, llamaFolder, tiny } from '../../test/support/models.ts'

const text = 'The President of the United States is the head of the Government, and of the people. '.repeat(10)

describe('convert-heads', () => {
  test('writes a GGUF file that runs, and says what it did', () =>
    inFolder(async (folder) => {
      const [out, calibration] = [join(folder, 'mqa.gguf'), join(folder, 'text.txt')]
      await writeFile(calibration, text)
      const { code, stdout, stderr } = await tessera([
        'convert-heads',
        tiny,
        out,
        '--kv-heads',
        '1',
        '--calibrate',
        calibration,
        '--windows',
        '2',
        '--window',
        '32',
        '--json',
      ])
      expect(code, stderr).toBe(0)
      expect(JSON.parse(stdout)).toEqual({
        out,
        method: 'principal',
        numHeads: 6,
        numKvHeads: { before: 2, after: 1 },
        cacheBytesPerToken: { before: 1536, after: 768 },
        replacedFormats: [],
        calibrationTokens: 64,
      })
      expect(stderr).toContain('merged heads lose much until the model is trained again')
      expect(await readdir(folder)).toEqual(['mqa.gguf', 'text.txt'])
      const written = await readGguf(await fileSource(out))
      expect(written.metadata['llama.attention.head_count_kv']).toBe(1)
      await written.close()
      const evaluated = await tessera([
        'eval',
        out,
        '--against',
        tiny,
        '--text',
        calibration,
        '--window',
        '32',
        '--windows',
        '2',
        '--json',
      ])
      expect(evaluated.code, evaluated.stderr).toBe(0)
      expect((JSON.parse(evaluated.stdout) as { kld: number }).kld).toBeGreaterThan(0)
    }))

  test('writes a new folder with the tokenizer, and none over something', () =>
    inFolder(async (folder) => {
      const out = join(folder, 'mqa')
      const line = ['convert-heads', llamaFolder, out, '--kv-heads', '1', '--method', 'mean']
      const { code, stdout, stderr } = await tessera(line)
      expect(code, stderr).toBe(0)
      expect(stdout).toContain('2 → 1 KV heads for 4 query heads (mean)')
      expect((await readdir(out)).sort()).toEqual((await readdir(llamaFolder)).sort())
      expect(JSON.parse(await readFile(join(out, 'config.json'), 'utf8'))).toEqual({
        ...(JSON.parse(await readFile(join(llamaFolder, 'config.json'), 'utf8')) as object),
        num_key_value_heads: 1,
      })
      const before = await openCheckpoint(llamaFolder)
      const after = await openCheckpoint(out)
      const name = 'model.layers.1.self_attn.k_proj.weight'
      expect(after.tensors.get(name)?.shape).toEqual([
        (before.tensors.get(name)?.shape[0] ?? 0) / 2,
        before.tensors.get(name)?.shape[1],
      ])
      await Promise.all([before.close(), after.close()])
      expect((await tessera(['logits', out, '--ids', '1,2,3', '--top', '1'])).code).toBe(0)
      const again = await tessera(line)
      expect(again).toMatchObject({ code: 2, stdout: '' })
      expect(again.stderr).toContain('is there already and not an empty folder; name a new one')
      expect(await readdir(folder)).toEqual(['mqa'])
    }))

  test('writes nothing into the folder that it reads', () =>
    inFolder(async (folder) => {
      const model = join(folder, 'model')
      await cp(llamaFolder, model, { recursive: true })
      const before = await readdir(model)
      for (const out of [model, join(model, 'mqa'), join(model, 'deep/mqa')]) {
        const { code, stderr } = await tessera(['convert-heads', model, out, '--kv-heads', '1', '--method', 'mean'])
        expect({ code, stderr }).toEqual({
          code: 2,
          stderr: expect.stringContaining(`${out} is the input, or lies in it; name another place`),
        })
      }
      expect(await readdir(model)).toEqual(before)
    }))

  test('converts an encoder, calibrated on the lines of a text', () =>
    inFolder(async (folder) => {
      const [bert, out] = [join(folder, 'bert'), join(folder, 'gqa')]
      await mkdir(bert)
      for (const file of ['config.json', 'model.safetensors'])
        await copyFile(
          new URL(`../../../../packages/runtime/test/golden/architectures/bert/${file}`, import.meta.url),
          join(bert, file),
        )
      const vocabulary = Object.fromEntries(
        ['[PAD]', '[UNK]', '[CLS]', '[SEP]', ...'abcdefghijklmnopqrstuvwxyz'].map((token, id) => [token, id]),
      )
      await writeFile(
        join(bert, 'tokenizer.json'),
        JSON.stringify({
          model: {
            type: 'WordPiece',
            vocab: vocabulary,
            unk_token: '[UNK]',
            continuing_subword_prefix: '##',
            max_input_chars_per_word: 100,
          },
          pre_tokenizer: { type: 'BertPreTokenizer' },
          normalizer: { type: 'BertNormalizer', lowercase: true },
          post_processor: null,
          decoder: null,
          added_tokens: [],
        }),
      )
      await writeFile(join(folder, 'text.txt'), 'a b c d\n\ne f g h\ni j k l\n')
      const { code, stderr } = await tessera([
        'convert-heads',
        bert,
        out,
        '--kv-heads',
        '2',
        '--calibrate',
        join(folder, 'text.txt'),
        '--windows',
        '1',
        '--window',
        '8',
      ])
      expect(code, stderr).toBe(0)
      expect(JSON.parse(await readFile(join(out, 'config.json'), 'utf8'))).toMatchObject({
        model_type: 'bert',
        num_attention_heads: 4,
        num_key_value_heads: 2,
      })
    }))

  test.each([
    [['--kv-heads', '4', '--method', 'mean'], 2, '4 KV heads cannot be made of 2; ask for a divisor'],
    [['--kv-heads', '1'], 2, '--method principal needs --calibrate TEXT'],
    [
      ['--kv-heads', '1', '--method', 'mean', '--calibrate', 'x.txt'],
      2,
      '--calibrate is for the methods activation and principal; mean reads no text',
    ],
    [['--kv-heads', '1', '--calibrate', 'nothing.txt'], 1, 'calibration: nothing.txt cannot be read'],
    [['--kv-heads', '1', '--method', 'median'], 2, '--method must not be "median" but one of'],
    [['--method', 'mean'], 2, '--kv-heads is missing'],
  ])('%j ends with %i', (options, code, message) =>
    inFolder(async (folder) => {
      const failed = await tessera(['convert-heads', tiny, join(folder, 'out.gguf'), ...options])
      expect(failed).toMatchObject({ code, stdout: '' })
      expect(failed.stderr).toContain(message)
      expect(await readdir(folder)).toEqual([])
    }),
  )

  test('a place that cannot be written, and an interrupt: the file that was there stays', () =>
    inFolder(async (folder) => {
      const missing = await tessera([
        'convert-heads',
        tiny,
        join(folder, 'no', 'out.gguf'),
        '--kv-heads',
        '1',
        '--method',
        'mean',
      ])
      expect(missing.code).toBe(1)
      expect(missing.stderr).toContain('cannot be created')
      const out = join(folder, 'out.gguf')
      await writeFile(out, 'old')
      await mkdir(join(folder, 'texts'))
      await writeFile(join(folder, 'texts', 'a.txt'), text.repeat(10))
      const interrupted = await tessera(
        [
          'convert-heads',
          tiny,
          out,
          '--kv-heads',
          '1',
          '--calibrate',
          join(folder, 'texts', 'a.txt'),
          '--windows',
          '20',
          '--window',
          '64',
        ],
        { onStderr: (_, { interrupt }) => interrupt() },
      )
      expect(interrupted).toMatchObject({ code: 130, stdout: '' })
      expect(await readFile(out, 'utf8')).toBe('old')
      expect((await readdir(folder)).sort()).toEqual(['out.gguf', 'texts'])
    }))
})
