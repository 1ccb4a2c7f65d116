import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { bufferSink, bufferSource, readGguf, readSafetensors, writeGguf } from '@tessera-llm/formats'
import { viewBytes } from '@tessera-llm/tensor'
import { tinyModel } from '@tessera-llm/tiny-model'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  meanModules,
  meanPooling,
  sentenceFolder,
  type SentenceSettings,
  textOf,
} from '../../test/support/sentence-folder.ts'
import { load, loadHuggingFace, type Model } from '../node.ts'

const golden = new URL('../../../runtime/test/golden/architectures/distilbert/', import.meta.url)
interface Golden {
  readonly inputs: { readonly len1: number[]; readonly len9: number[]; readonly len40: number[] }
}

let inputs: readonly number[][]
let texts: string[]
let means: Float32Array
let firsts: Float32Array
beforeAll(async () => {
  const { len1, len9, len40 } = (JSON.parse(await readFile(new URL('golden.json', golden), 'utf8')) as Golden).inputs
  inputs = [len1, len9, len40]
  texts = inputs.map(textOf)
  const file = await readSafetensors(bufferSource(await readFile(new URL('golden.safetensors', golden))))
  const read = async (name: string) =>
    viewBytes((await file.tensors.get(name)?.read()) ?? new Uint8Array(), 'f32') as Float32Array
  means = await read('padded.mean_pooled')
  firsts = await read('padded.cls')
})

const folders: string[] = []
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))
async function loadWith(settings?: SentenceSettings): Promise<Model> {
  const folder = await sentenceFolder(settings)
  folders.push(folder)
  return load(folder, { device: 'wasm', threads: 2 })
}

function expectClose(vectors: readonly Float32Array[], expected: Float32Array): void {
  const flat = vectors.flatMap((vector) => [...vector])
  expect(flat).toHaveLength(expected.length)
  for (const [index, value] of flat.entries())
    expect(Math.abs(value - (expected[index] as number)), `value ${index}`).toBeLessThan(1e-4)
}

describe('embed', () => {
  test('gives the means that PyTorch gives, in the order of the texts, whatever the batches are', async () => {
    const model = await loadWith()
    expect(model.embedder).toMatchObject({ dimensions: 48, maxTokens: 64 })
    const progress: number[] = []
    expectClose(await model.embed(texts), means)
    expectClose(await model.embed(texts, { batchTokens: 1, onProgress: (done) => progress.push(done) }), means)
    expect(progress).toEqual([1, 2, 3])
    expect(await model.embed([])).toEqual([])
    const before = model.device.memory().liveTensors
    await model.embed(texts)
    expect(model.device.memory().liveTensors).toBe(before)
    await model.dispose()
  })

  test('a model that is spread keeps what it can do, and refuses the rest only where it is asked for', async () => {
    const model = await loadWith()
    const spread = { ...model }
    expect(await spread.embed(['t1'])).toEqual(await model.embed(['t1']))
    for (const ask of [() => model.session, () => model.language])
      expect(ask).toThrow(expect.objectContaining({ code: 'unsupported' }))
    await model.dispose()
  })

  test('pools the first token, at length 1, and cuts texts as the folder says', async () => {
    const first = { ...meanPooling, pooling_mode_mean_tokens: false, pooling_mode_cls_token: true }
    const normalize = { idx: 2, name: '2', path: '2_Normalize', type: 'sentence_transformers.models.Normalize' }
    const model = await loadWith({
      'modules.json': [...meanModules, normalize],
      '1_Pooling/config.json': first,
      'sentence_bert_config.json': { max_seq_length: 40 },
    })
    expect(model.embedder?.maxTokens).toBe(40)
    const lengths = [0, 1, 2].map((row) => Math.hypot(...firsts.subarray(48 * row, 48 * row + 48)))
    expectClose(
      await model.embed(texts),
      firsts.map((value, index) => value / (lengths[Math.floor(index / 48)] as number)),
    )
    expect(await model.embed([`${texts[2]} t5 t6`])).toEqual(await model.embed([texts[2] as string]))
    await model.dispose()
  })

  test('a text without a token has a vector of zeros, beside others too', async () => {
    const first = { ...meanPooling, pooling_mode_mean_tokens: false, pooling_mode_cls_token: true }
    const model = await loadWith({ 'modules.json': meanModules, '1_Pooling/config.json': first })
    const [begin, empty, end] = await model.embed([texts[0] as string, '', texts[2] as string])
    expectClose([begin, end] as Float32Array[], Float32Array.of(...firsts.subarray(0, 48), ...firsts.subarray(96)))
    expect(empty).toEqual(new Float32Array(48))
    await model.dispose()
  })

  test('takes token ids as they are, without a tokenizer too, and says then why it takes no text', async () => {
    const folder = await sentenceFolder()
    folders.push(folder)
    const whole = await load(folder, { device: 'wasm', threads: 2 })
    expect(await whole.embed([...inputs, ...texts])).toEqual([
      ...(await whole.embed(inputs)),
      ...(await whole.embed(texts)),
    ])
    await whole.dispose()
    await rm(join(folder, 'tokenizer.json'))
    const model = await load(folder, { device: 'wasm', threads: 2 })
    expectClose(await model.embed(inputs), means)
    await expect(model.embed(texts)).rejects.toMatchObject({
      code: 'not-found',
      message: 'tokenizer: the folder has no tokenizer.json, so no text can be read; add it, or give token ids',
    })
    for (const [wrong, message] of [
      [[], 'embed: the token ids 0 must be 1 to 64, which the encoder reads, but are 0'],
      [Array.from({ length: 65 }, () => 1), 'but are 65'],
      [[3, 256], 'embed: the token id 256 is not in the vocabulary (0 … 255)'],
      [[-1], 'the token id -1 is not in'],
      [[1.5], 'the token id 1.5 is not in'],
    ] as const)
      await expect(model.embed([wrong])).rejects.toMatchObject({
        code: 'invalid-value',
        message: expect.stringContaining(message),
      })
    await model.dispose()
  })

  test('takes the mean where nothing says how to pool', async () => {
    const model = await loadWith({})
    expectClose(await model.embed(texts), means)
    await model.dispose()
  })

  test('an encoder writes no text, and a decoder gives no vectors', async () => {
    const encoder = await loadWith()
    for (const act of [
      () => encoder.generate('a'),
      () => encoder.chat([]),
      () => encoder.createSession(),
      () => encoder.session,
      () => encoder.language,
    ]) {
      expect(act).toThrow(
        expect.objectContaining({
          code: 'unsupported',
          message: expect.stringContaining('the architecture distilbert is an encoder'),
        }),
      )
    }
    await encoder.dispose()
    const decoder = await load(tinyModel.ggufUrl, { device: 'reference' })
    await expect(decoder.embed(['a'])).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('llama is a decoder'),
    })
    await decoder.dispose()
  })

  test('is refused, aborted or given nonsense with a typed error', async () => {
    const model = await loadWith()
    await expect(model.embed(texts, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
    await expect(model.embed([1 as unknown as string])).rejects.toMatchObject({
      code: 'invalid-value',
      message: 'embed: text 0 must be a string or a list of token ids, not number',
    })
    await expect(model.embed(texts, { batchTokens: 0 })).rejects.toMatchObject({ code: 'invalid-option' })
    await model.dispose()
  })

  test.each([
    [
      'a module that is not there',
      {
        'modules.json': [...meanModules, { path: '2_Dense', type: 'sentence_transformers.models.Dense' }],
        '1_Pooling/config.json': meanPooling,
      },
      'unsupported',
      /the module Dense is not supported/,
    ],
    [
      'a pooling that is not there',
      { 'modules.json': meanModules, '1_Pooling/config.json': { pooling_mode_max_tokens: true } },
      'unsupported',
      /asks for pooling_mode_max_tokens/,
    ],
    [
      'two poolings',
      { 'modules.json': meanModules, '1_Pooling/config.json': { ...meanPooling, pooling_mode_cls_token: true } },
      'unsupported',
      /asks for pooling_mode_cls_token and pooling_mode_mean_tokens/,
    ],
    [
      'a folder outside of its own',
      { 'modules.json': [{ path: '../1_Pooling', type: 'Pooling' }] },
      'invalid-file',
      /names the folder "\.\.\/1_Pooling", which must be a plain name/,
    ],
    ['modules that are no list', { 'modules.json': {} }, 'invalid-file', /modules.json must hold a JSON list/],
    [
      'a module without a type',
      { 'modules.json': [{ path: '' }] },
      'invalid-file',
      /type must be a string, but is missing/,
    ],
  ])('says what is wrong with %s', async (_, settings, code, message) => {
    await expect(loadWith(settings)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
  })
})

describe('an encoder in a GGUF file', () => {
  const bert = new URL('../../../runtime/test/golden/architectures/bert/', import.meta.url)
  /** The golden with other metadata. */
  async function withPooling(kind: number | undefined): Promise<Uint8Array> {
    const { typedMetadata, tensors } = await readGguf(bufferSource(await readFile(new URL('model.gguf', bert))))
    const metadata = new Map(typedMetadata)
    if (kind === undefined) metadata.delete('bert.pooling_type')
    else metadata.set('bert.pooling_type', { type: 'u32', value: kind })
    const sink = bufferSink()
    await writeGguf({ metadata, tensors: [...tensors.values()] }, sink)
    return sink.bytes()
  }
  const json = async (name: string): Promise<Record<string, unknown>> =>
    JSON.parse(await readFile(new URL(name, bert), 'utf8')) as Record<string, unknown>
  const texts = ['The cat wanted a hat.', '', 'unwantable [MASK] naïve, in 12 words', 'a '.repeat(100)]

  test.each([
    [1, 'mean_tokens'],
    [0, 'mean_tokens'],
    [undefined, 'mean_tokens'],
    [2, 'cls_token'],
    [3, 'lasttoken'],
  ] as const)('pools by kind %s as a folder by %s, at length 1', async (kind, mode) => {
    const modules = [
      ...meanModules,
      { idx: 2, name: '2', path: '2_Normalize', type: 'sentence_transformers.models.Normalize' },
    ]
    const checkpoint = await readSafetensors(bufferSource(await readFile(new URL('model.safetensors', bert))))
    const folder = await loadHuggingFace(
      {
        checkpoint,
        config: await json('config.json'),
        tokenizer: await json('tokenizer.json'),
        sentence: { modules, pooling: { [`pooling_mode_${mode}`]: true } },
      },
      { device: 'wasm', threads: 1 },
    )
    const model = await load(await withPooling(kind), { device: 'wasm', threads: 1 })
    expect(model.embedder).toMatchObject({ dimensions: 48, maxTokens: 64 })
    expect(await model.embed(texts)).toEqual(await folder.embed(texts))
    await Promise.all([model.dispose(), folder.dispose()])
  })

  test('refuses a model that ranks', async () => {
    await expect(withPooling(4).then((bytes) => load(bytes, { device: 'wasm', threads: 1 }))).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringMatching(/pooling_type is 4; supported are 0 and 1 .*4 is a model that ranks/),
    })
  })
})
