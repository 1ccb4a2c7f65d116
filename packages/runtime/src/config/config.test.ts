import { describe, expect, test } from 'vitest'
import {
  configFromGguf,
  configFromHuggingFace,
  encoderConfigFromGguf,
  encoderConfigFromHuggingFace,
  type Fields,
} from './index.ts'

const llama: Fields = {
  model_type: 'llama',
  hidden_size: 64,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  intermediate_size: 128,
  vocab_size: 100,
  max_position_embeddings: 32,
}

describe('configFromHuggingFace', () => {
  test('states windows only where they are on', () => {
    const qwen = { ...llama, model_type: 'qwen2', sliding_window: 8, max_window_layers: 2 }
    expect(configFromHuggingFace(qwen).windows).toBeUndefined()
    expect(configFromHuggingFace({ ...qwen, use_sliding_window: true }).windows).toEqual([undefined, undefined, 8, 8])
    expect(configFromHuggingFace({ ...llama, model_type: 'mistral', sliding_window: 8 }).windows).toEqual([8, 8, 8, 8])
    expect(configFromHuggingFace({ ...llama, model_type: 'mistral', sliding_window: null }).windows).toBeUndefined()
    expect(configFromHuggingFace({ ...llama, model_type: 'gemma2', sliding_window: 8 }).windows).toEqual([
      8,
      undefined,
      8,
      undefined,
    ])
  })

  test('leaves out the rotation of every fourth layer of SmolLM3', () => {
    expect(configFromHuggingFace({ ...llama, model_type: 'smollm3' }).ropes.map((rope) => rope !== undefined)).toEqual([
      true,
      true,
      true,
      false,
    ])
  })

  test('reads the KV heads of Falcon by its kind', () => {
    const falcon = { ...llama, model_type: 'falcon', num_kv_heads: 2 }
    expect(configFromHuggingFace(falcon).numKvHeads).toBe(1)
    expect(configFromHuggingFace({ ...falcon, new_decoder_architecture: true }).numKvHeads).toBe(2)
    expect(configFromHuggingFace({ ...falcon, multi_query: false }).numKvHeads).toBe(4)
  })

  test.each([
    [
      'an activation that is not there',
      { hidden_act: 'mish' },
      'unsupported',
      /activation function "mish" is not known; supported are silu/,
    ],
    [
      'layers without end',
      { num_hidden_layers: 2_000_000_000 },
      'invalid-file',
      /number of layers must be from 1 to 4096, but is 2000000000/,
    ],
    ['no layers', { num_hidden_layers: 0 }, 'invalid-file', /from 1 to 4096, but is 0/],
    ['heads that do not divide', { num_key_value_heads: 3 }, 'invalid-file', /must be a multiple/],
    [
      'a field of another type',
      { hidden_size: '64' },
      'invalid-file',
      /hidden_size or n_embd must be a finite number|hidden_size must be a finite number, but is "64"/,
    ],
    [
      'a scaling of rope that is not there',
      { rope_scaling: { type: 'dynamic', factor: 2 } },
      'unsupported',
      /rope_type is "dynamic"/,
    ],
    [
      'LongRoPE without factors',
      { rope_scaling: { type: 'longrope', short_factor: [1] } },
      'invalid-file',
      /long_factor must be a list of positive numbers/,
    ],
    ['layer types that are no list', { layer_types: 'all' }, 'invalid-file', /layer_types must be a list/],
    ['Falcon with ALiBi', { model_type: 'falcon', alibi: true }, 'unsupported', /falcon-rw/],
    ['OPT-350m', { model_type: 'opt', do_layer_norm_before: false }, 'unsupported', /OPT-350m/],
    ['the large StableLM', { model_type: 'stablelm', use_parallel_residual: true }, 'unsupported', /12B/],
  ])('refuses %s', (_, change, code, message) => {
    expect(() => configFromHuggingFace({ ...llama, ...change })).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    )
  })
})

test('an encoder is read with its own names, and RoBERTa loses the positions that padding has', () => {
  const sizes = { num_hidden_layers: 2, intermediate_size: 128, vocab_size: 100 }
  expect(
    encoderConfigFromHuggingFace({
      ...sizes,
      model_type: 'roberta',
      hidden_size: 64,
      num_attention_heads: 4,
      max_position_embeddings: 514,
    }),
  ).toMatchObject({ contextLength: 512, unusedPositions: 2, tokenTypes: 1 })
  expect(
    encoderConfigFromHuggingFace({
      model_type: 'distilbert',
      dim: 64,
      n_heads: 4,
      n_layers: 2,
      hidden_dim: 128,
      vocab_size: 100,
      max_position_embeddings: 512,
    }),
  ).toMatchObject({ hiddenSize: 64, tokenTypes: 0 })
  expect(() => encoderConfigFromHuggingFace({ model_type: 'bert' })).toThrow(
    /hidden_size or dim must be a finite number, but is missing/,
  )
})

describe('configFromGguf', () => {
  const gguf = (architecture: string, own: Fields): Fields => ({
    'general.architecture': architecture,
    ...Object.fromEntries(
      Object.entries({
        block_count: 4,
        embedding_length: 64,
        'attention.head_count': 4,
        feed_forward_length: 128,
        context_length: 32,
        'attention.layer_norm_rms_epsilon': 1e-6,
        ...own,
      }).map(([key, value]) => [`${architecture}.${key}`, value]),
    ),
  })
  const facts = { vocabSize: 100, tiedHead: true }

  test('knows what no key of Gemma says', () => {
    const gemma3 = configFromGguf(
      gguf('gemma3', { block_count: 6, 'attention.sliding_window': 8, 'rope.freq_base': 1e6 }),
      facts,
    )
    expect(gemma3.windows).toEqual([8, 8, 8, 8, 8, undefined])
    expect(gemma3.ropes.map((rope) => rope?.theta)).toEqual([1e4, 1e4, 1e4, 1e4, 1e4, 1e6])
    expect(gemma3.attentionScale).toBeCloseTo(1 / Math.sqrt(16), 12)
    const gemma2 = configFromGguf(
      gguf('gemma2', { block_count: 46, 'attention.key_length': 128, 'attention.sliding_window': 8 }),
      facts,
    )
    expect(gemma2).toMatchObject({ attentionSoftcap: 50, logitSoftcap: 30, attentionScale: 1 / 4 })
  })

  test('refuses layers without end', () => {
    expect(() => configFromGguf(gguf('llama', { block_count: 2_000_000_000 }), facts)).toThrow(
      expect.objectContaining({ code: 'invalid-file', message: expect.stringContaining('from 1 to 4096') }),
    )
  })
})

describe('encoderConfigFromGguf', () => {
  const bert: Fields = {
    'general.architecture': 'bert',
    'bert.block_count': 2,
    'bert.context_length': 64,
    'bert.embedding_length': 48,
    'bert.feed_forward_length': 96,
    'bert.attention.head_count': 4,
    'bert.attention.layer_norm_epsilon': 1e-12,
  }
  const facts = { vocabSize: 100, tokenTypes: 2 }

  test('says of a model what its config.json says', () => {
    const config = {
      model_type: 'bert',
      num_hidden_layers: 2,
      max_position_embeddings: 64,
      hidden_size: 48,
      intermediate_size: 96,
      num_attention_heads: 4,
      layer_norm_eps: 1e-12,
      vocab_size: 100,
      type_vocab_size: 2,
    }
    expect(encoderConfigFromGguf(bert, facts)).toEqual(encoderConfigFromHuggingFace(config))
  })

  test.each([
    ['layers without end', { 'bert.block_count': 2 ** 30 }, 'invalid-file', /number of layers must be from 1 to 4096/],
    [
      'no epsilon',
      { 'bert.attention.layer_norm_epsilon': undefined },
      'invalid-file',
      /attention.layer_norm_epsilon must be a finite number, but is missing/,
    ],
    [
      'tokens that see only those before them',
      { 'bert.attention.causal': true },
      'unsupported',
      /attention.causal is true/,
    ],
  ])('refuses %s', (_, change, code, message) => {
    expect(() => encoderConfigFromGguf({ ...bert, ...change }, facts)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    )
  })
})
