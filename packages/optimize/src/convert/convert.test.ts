import { readFile } from 'node:fs/promises'
import {
  bufferSink,
  bufferSource,
  type Checkpoint,
  type GgufCheckpoint,
  readGguf,
  readSafetensors,
  type TensorData,
  writeGguf,
  writeSafetensors,
} from '@tessera-llm/formats'
import {
  configFromHuggingFace,
  createTokenizerFromGguf,
  createTokenizerFromJson,
  encoderConfigFromHuggingFace,
  type Fields,
  sentenceConfigFrom,
  type SentenceFiles,
} from '@tessera-llm/runtime'
import { failureOf } from '@tessera-llm/testing'
import { tinyModel } from '@tessera-llm/tiny-model'
import { describe, expect, test } from 'vitest'
import { ggufContent, huggingFaceContent, huggingFaceJson, type HuggingFaceModel } from './index.ts'

const golden = new URL('../../../runtime/test/golden/architectures/', import.meta.url)
const json = async (url: URL): Promise<Fields> => JSON.parse(await readFile(url, 'utf8')) as Fields
const ggufOf = async (url: URL): Promise<GgufCheckpoint> => readGguf(bufferSource(await readFile(url)))
const safetensorsOf = async (url: URL): Promise<Checkpoint> => readSafetensors(bufferSource(await readFile(url)))
/** Special tokens of the golden vocabularies, whose folders have no tokenizer_config.json. */
const tokenizerConfig: Fields = {
  bos_token: '<|bos|>',
  eos_token: '<|eos|>',
  unk_token: '<|unk|>',
  pad_token: '<|pad|>',
  add_bos_token: false,
}

async function written(content: Parameters<typeof writeGguf>[0]): Promise<GgufCheckpoint> {
  const sink = bufferSink()
  await writeGguf(content, sink)
  return readGguf(bufferSource(sink.bytes()))
}

async function safetensorsWritten(tensors: readonly TensorData[]): Promise<Checkpoint> {
  const sink = bufferSink()
  await writeSafetensors({ tensors }, sink)
  return readSafetensors(bufferSource(sink.bytes()))
}

/** Every tensor with its bytes. */
async function contentsOf({ tensors }: Checkpoint): Promise<Record<string, unknown>> {
  const out: Record<string, unknown> = {}
  for (const { name, shape, format, read } of [...tensors.values()].sort((a, b) => (a.name < b.name ? -1 : 1)))
    out[name] = { shape, format, bytes: Buffer.from(await read()).toString('base64') }
  return out
}

/** The folder of a golden. gemma3's tokenizer is that of its GGUF file; for others llama's serves. */
async function folderOf(name: string): Promise<HuggingFaceModel & { readonly tokenizer: Fields }> {
  const folder = new URL(`${name}/`, golden)
  const tokenizer =
    name === 'gemma3'
      ? (await huggingFaceContent(await ggufOf(new URL('model.gguf', folder)))).tokenizer
      : await json(new URL('tokenizer.json', folder))
  return {
    checkpoint: await safetensorsOf(new URL('model.safetensors', folder)),
    config: await json(new URL('config.json', folder)),
    tokenizer,
    tokenizerConfig,
    name: `tiny random ${name}`,
  }
}

const texts = [
  'The cat and the hat, in 12 rooms.',
  ' leading',
  'naïve café\n\n  12345',
  "it's WE'LL",
  '<|bos|>x<|eos|>',
]

describe.for(['llama', 'llama_rope3', 'gemma3'])('%s', (name) => {
  test('the folder becomes the GGUF file that llama.cpp was tried with', async () => {
    const made = await written(ggufContent(await folderOf(name)))
    const wanted = await ggufOf(new URL(`${name}/model.gguf`, golden))
    expect(await contentsOf(made)).toEqual(await contentsOf(wanted))
    for (const [key, value] of wanted.typedMetadata) expect([key, made.typedMetadata.get(key)]).toEqual([key, value])
  })

  test('the GGUF file becomes the folder that PyTorch wrote', async () => {
    const gguf = await ggufOf(new URL(`${name}/model.gguf`, golden))
    const made = await huggingFaceContent(gguf)
    const wanted = await safetensorsOf(new URL(`${name}/model.safetensors`, golden))
    const back = await safetensorsWritten(made.tensors)
    // Norms stored as 1 + w lost the bits that f32 cannot hold of the sum.
    if (name === 'gemma3') expect([...back.tensors.keys()].sort()).toEqual([...wanted.tensors.keys()].sort())
    else expect(await contentsOf(back)).toEqual(await contentsOf(wanted))
    for (const file of ['config.json', 'config_v4.json'])
      expect(configFromHuggingFace(made.config)).toEqual(
        configFromHuggingFace(await json(new URL(`${name}/${file}`, golden))),
      )
    const before = createTokenizerFromGguf(gguf.metadata as Fields)
    const after = createTokenizerFromJson(made.tokenizer, made.tokenizerConfig)
    for (const text of texts)
      for (const parseSpecial of [true, false])
        expect(after.encode(text, { parseSpecial })).toEqual(before.encode(text, { parseSpecial }))
    expect([after.bosId, after.eosIds, after.addBos]).toEqual([before.bosId, before.eosIds, before.addBos])
    // Converted back to a GGUF file, every bit is the same.
    expect(await contentsOf(await written(ggufContent({ ...made, checkpoint: back })))).toEqual(await contentsOf(gguf))
  })
})

test('the tiny model goes both ways without a change, tokenizer included', async () => {
  const gguf = await ggufOf(new URL(tinyModel.ggufUrl))
  const folder = await huggingFaceContent(gguf)
  const again = await written(ggufContent({ ...folder, checkpoint: await safetensorsWritten(folder.tensors) }))
  expect(await contentsOf(again)).toEqual(await contentsOf(gguf))
  for (const [key, value] of gguf.typedMetadata)
    if (!key.startsWith('general.') || key === 'general.file_type')
      expect([key, again.typedMetadata.get(key)]).toEqual([key, value])
})

describe('an encoder', () => {
  const folder = new URL('bert/', golden)
  const model = async (change: Partial<HuggingFaceModel> = {}, config: Fields = {}): Promise<HuggingFaceModel> => ({
    checkpoint: await safetensorsOf(new URL('model.safetensors', folder)),
    config: { ...(await json(new URL('config.json', folder))), ...config },
    tokenizer: await json(new URL('tokenizer.json', folder)),
    ...change,
  })

  test('becomes the GGUF file that gguf-py wrote, without the summary', async () => {
    const made = await written(ggufContent(await model()))
    const wanted = await ggufOf(new URL('model.gguf', folder))
    expect(await contentsOf(made)).toEqual(await contentsOf(wanted))
    for (const [key, value] of wanted.typedMetadata) {
      // An ordinary token in brackets keeps its spelling; llama.cpp's converter marks it as the start of a word.
      const { value: own } = made.typedMetadata.get(key) ?? {}
      expect([key, own]).toEqual([
        key,
        key === 'tokenizer.ggml.tokens'
          ? (value.value as string[]).map((token) => (token === '\u2581[unused0]' ? '[unused0]' : token))
          : value.value,
      ])
    }
  })

  test('comes back from it with its values, its tokenizer and its pooling', async () => {
    const gguf = await ggufOf(new URL('model.gguf', folder))
    const made = await huggingFaceContent(gguf)
    const wanted = await contentsOf(await safetensorsOf(new URL('model.safetensors', folder)))
    expect(await contentsOf(await safetensorsWritten(made.tensors))).toEqual(
      Object.fromEntries(Object.entries(wanted).filter(([name]) => !name.startsWith('pooler.'))),
    )
    for (const file of ['config.json', 'config_v4.json'])
      expect(encoderConfigFromHuggingFace(made.config)).toEqual(
        encoderConfigFromHuggingFace(await json(new URL(file, folder))),
      )
    const before = createTokenizerFromJson(await json(new URL('tokenizer.json', folder)))
    const after = createTokenizerFromJson(made.tokenizer, made.tokenizerConfig)
    for (const text of [...texts, 'unwantable [MASK] naïve Café'])
      for (const parseSpecial of [true, false])
        expect(after.encode(text, { parseSpecial })).toEqual(before.encode(text, { parseSpecial }))
    expect(sentenceConfigFrom(made.sentence as SentenceFiles)).toEqual({
      pooling: 'mean',
      isNormalized: true,
      maxTokens: 64,
    })
    expect(Object.keys(huggingFaceJson(made)).sort()).toEqual([
      '1_Pooling/config.json',
      'config.json',
      'modules.json',
      'sentence_bert_config.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ])
    const again = await written(ggufContent({ ...made, checkpoint: await safetensorsWritten(made.tensors) }))
    expect(await contentsOf(again)).toEqual(await contentsOf(gguf))
  })

  const normalizer = (change: Fields): Promise<Partial<HuggingFaceModel>> =>
    json(new URL('tokenizer.json', folder)).then((tokenizer) => ({
      tokenizer: { ...tokenizer, normalizer: { ...(tokenizer['normalizer'] as Fields), ...change } },
    }))
  const pooledBy = (mode: string): Partial<HuggingFaceModel> => ({
    sentence: {
      modules: [{ path: '1_Pooling', type: 'sentence_transformers.models.Pooling' }],
      pooling: { [`pooling_mode_${mode}`]: true },
    },
  })
  test.for<readonly [string, () => Promise<HuggingFaceModel>, string]>([
    [
      'another activation',
      () => model({}, { hidden_act: 'relu' }),
      'unsupported: convert: config.json has the activation relu, which a GGUF file of bert cannot say',
    ],
    [
      'merged heads',
      () => model({}, { num_key_value_heads: 2 }),
      'unsupported: convert: config.json has 2 key-value heads for 4 heads, which',
    ],
    [
      'a pooling',
      () => model(pooledBy('mean_sqrt_len_tokens')),
      'unsupported: convert: vectors are pooled by mean-sqrt-length, which',
    ],
    [
      'letters that stay',
      async () => model(await normalizer({ lowercase: false })),
      'unsupported: convert: tokenizer.json asks for the normalizer BertNormalizer (lowercase false, strip_accents false',
    ],
    [
      'accents that stay',
      async () => model(await normalizer({ strip_accents: false })),
      'strip_accents false, clean_text true, handle_chinese_chars true), the pre-tokenizer BertPreTokenizer and the ids 2, 3 around a text, where readers of GGUF files take',
    ],
    [
      'a vocabulary of another size',
      () => model({}, { vocab_size: 300 }),
      'invalid-file: convert: config.json has a vocabulary of 300, but embeddings.word_embeddings.weight 256 rows',
    ],
    ['tokens beyond the embedding', () => model({}, { vocab_size: 200 }), 'invalid-file: convert: '],
    [
      'another tokenizer',
      async () => model({ tokenizer: (await folderOf('llama')).tokenizer }),
      'unsupported: convert: tokenizer.json holds BPE; tokenizers of WordPiece',
    ],
  ])('refuses %s', async ([, encoder, message]) => {
    expect(await failureOf(async () => ggufContent(await encoder()))).toContain(message)
  })
})

describe('refuses what the other kind of file cannot carry', () => {
  const changed = async (change: Partial<HuggingFaceModel>, config: Fields = {}): Promise<HuggingFaceModel> => {
    const folder = await folderOf('llama')
    return { ...folder, ...change, config: { ...folder.config, ...config } }
  }
  const withTensor = async (name: string, format = 'f32'): Promise<Checkpoint> => {
    const { checkpoint } = await folderOf('llama')
    const extra = { name, shape: [1], format, byteLength: 4, read: async () => new Uint8Array(4) }
    return { ...checkpoint, tensors: new Map([...checkpoint.tensors, [name, extra]]) }
  }

  /** The tokenizer with additional tokens that no merge results in, up to `count`. */
  const withTokens = async (count: number): Promise<Fields> => {
    const { tokenizer } = await folderOf('llama')
    const model = tokenizer['model'] as { vocab: Record<string, number> }
    const more = Object.fromEntries(Array.from({ length: count - 272 }, (_, i) => [`more-${i}`, 272 + i]))
    return { ...tokenizer, model: { ...model, vocab: { ...model.vocab, ...more } } }
  }

  test('but not a vocabulary of 200 000 tokens', async () => {
    const { checkpoint, ...folder } = await changed({ tokenizer: await withTokens(200_000) }, { vocab_size: 200_000 })
    const embedding = checkpoint.tensors.get('model.embed_tokens.weight')
    const large = {
      ...checkpoint,
      tensors: new Map([
        ...checkpoint.tensors,
        ['model.embed_tokens.weight', { ...embedding, shape: [200_000, 48] } as NonNullable<typeof embedding>],
      ]),
    }
    const tokens = ggufContent({ ...folder, checkpoint: large }).metadata.get('tokenizer.ggml.tokens')
    expect((tokens as Extract<typeof tokens, { type: 'array' }>).value.at(-1)).toBe('more-199727')
  })

  test.for<readonly [string, () => Promise<HuggingFaceModel>, string]>([
    [
      'an architecture',
      () => changed({}, { model_type: 'mamba' }),
      'unsupported: convert: the architecture "mamba" is not known in both kinds of files; known are bert, llama, mistral, qwen2, qwen3, gemma3_text',
    ],
    [
      'a window',
      () => changed({}, { model_type: 'mistral', sliding_window: 4096 }),
      'unsupported: convert: config.json has a window of 4096 tokens, which a GGUF file of llama cannot say',
    ],
    [
      'a tensor',
      async () => changed({ checkpoint: await withTensor('model.layers.0.self_attn.sinks') }),
      'unsupported: convert: the tensor model.layers.0.self_attn.sinks has no name in GGUF files of llama',
    ],
    [
      'a format',
      async () => changed({ checkpoint: await withTensor('model.layers.9.mlp.up_proj.weight', 'u8') }),
      'unsupported: convert: model.layers.9.mlp.up_proj.weight is stored as u8, for which GGUF has no type',
    ],
    [
      'no embedding',
      async () => changed({ checkpoint: { ...(await folderOf('llama')).checkpoint, tensors: new Map() } }),
      'invalid-file: convert: the checkpoint has no model.embed_tokens.weight',
    ],
    [
      'a vocabulary of another size',
      () => changed({}, { vocab_size: 2 ** 31 - 1 }),
      'invalid-file: convert: config.json has a vocabulary of 2147483647, but model.embed_tokens.weight 272 rows',
    ],
    [
      'tokens beyond the embedding',
      async () => changed({ tokenizer: await withTokens(300) }),
      'invalid-file: convert: tokenizer.json has tokens up to id 299, but config.json a vocabulary of 272',
    ],
    [
      'a pre-tokenizer',
      async () =>
        changed({
          tokenizer: {
            ...(await folderOf('llama')).tokenizer,
            pre_tokenizer: { type: 'ByteLevel', add_prefix_space: true, use_regex: true },
          },
        }),
      'unsupported: convert: GGUF files have no name for the pre-tokenizer ByteLevel(prefix, words)',
    ],
    [
      'yarn with an attention factor',
      () =>
        changed({}, { rope_parameters: { rope_type: 'yarn', rope_theta: 10000, factor: 4, attention_factor: 1.2 } }),
      'unsupported: convert: config.json scales rope by yarn with an attention factor of its own',
    ],
  ])('%s', async ([, model, message]) => {
    expect(await failureOf(async () => ggufContent(await model()))).toContain(message)
  })

  test('blocks, unless they may be decoded', async () => {
    const { metadata, tensors } = ggufContent(await folderOf('llama'))
    const block = {
      name: 'output.weight',
      shape: [1, 32],
      format: 'q8_0',
      bytes: Uint8Array.from({ length: 34 }, (_, i) => [0, 0x3c][i] ?? i),
    }
    const quantized = await written({
      metadata,
      tensors: [...tensors.filter(({ name }) => name !== 'output.weight'), block],
    })
    expect(await failureOf(() => huggingFaceContent(quantized))).toBe(
      'unsupported: convert: output.weight is stored as q8_0, which safetensors cannot hold; convert with --decode to write its exact values as f32',
    )
    const { tensors: decoded } = await huggingFaceContent(quantized, { decode: true })
    const head = await safetensorsWritten(decoded.filter(({ name }) => name === 'lm_head.weight'))
    const bytes = await head.tensors.get('lm_head.weight')?.read()
    expect([...new Float32Array((bytes as Uint8Array).slice().buffer)]).toEqual(
      Array.from({ length: 32 }, (_, i) => i + 2),
    )
  })

  test('factors of rope that no configuration has, and files that are no language model', async () => {
    const { metadata, tensors } = ggufContent(await folderOf('llama_rope3'))
    const odd = tensors.map((tensor) =>
      tensor.name === 'rope_freqs.weight'
        ? { ...tensor, bytes: new Uint8Array(Float32Array.from({ length: 8 }, (_, i) => 1 + i * i).buffer) }
        : tensor,
    )
    expect(
      await failureOf(async () => huggingFaceContent(await written({ metadata, tensors: odd as TensorData[] }))),
    ).toContain('the factors in rope_freqs.weight are not those of a scaling as in Llama 3.1')
    expect(await failureOf(async () => huggingFaceContent(await written({ metadata, tensors: [] })))).toContain(
      'invalid-file: convert: the GGUF file has no token_embd.weight',
    )
  })
})
