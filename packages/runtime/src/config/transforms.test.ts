import { describe, expect, test } from 'vitest'
import {
  compressedTransform,
  configFromGguf,
  configFromHuggingFace,
  encoderConfigFromGguf,
  encoderConfigFromHuggingFace,
  type Fields,
  ggufTransform,
} from './index.ts'

const llama: Fields = {
  model_type: 'llama',
  hidden_size: 64,
  num_hidden_layers: 3,
  num_attention_heads: 4,
  intermediate_size: 1536,
  vocab_size: 100,
  max_position_embeddings: 32,
}
const withGroups = (groups: Fields): Fields => ({
  ...llama,
  quantization_config: { quant_method: 'compressed-tensors', transform_config: { config_groups: groups } },
})
const input = (targets: unknown, more: Fields = {}): Fields => ({
  targets,
  location: 'input',
  inverse: false,
  ignore: [],
  ...more,
})
/** A transform as compressed-tensors writes it, from its documentation of `TransformScheme` and `TransformArgs`. */
const scheme = (more: Fields = {}): Fields => ({
  type: 'hadamard',
  apply: [
    input(['re:.*down_proj$']),
    { targets: ['re:.*down_proj$'], location: 'weight_input', inverse: true, ignore: [] },
  ],
  randomize: false,
  requires_grad: false,
  head_dim: 512,
  precision: 'torch.float64',
  ...more,
})

describe('transform_config', () => {
  test('names the order of the matrices, which is the whole width where it is silent', () => {
    expect(configFromHuggingFace(llama).downHadamard).toBeUndefined()
    expect(configFromHuggingFace(withGroups({ R4: scheme() })).downHadamard).toBe(512)
    expect(
      configFromHuggingFace({ ...withGroups({ R4: scheme({ head_dim: null }) }), intermediate_size: 2048 })
        .downHadamard,
    ).toBe(2048)
    expect(
      configFromHuggingFace(
        withGroups({
          R4: scheme({
            apply: [input(['Linear'], { ignore: ['re:.*self_attn.*', 're:.*(gate|up)_proj', 'lm_head'] })],
          }),
        }),
      ).downHadamard,
    ).toBe(512)
    expect(
      configFromHuggingFace(
        withGroups({
          R4: scheme({
            apply: [
              input(['model.layers.0.mlp.down_proj', 'model.layers.1.mlp.down_proj', 'model.layers.2.mlp.down_proj']),
            ],
          }),
        }),
      ).downHadamard,
    ).toBe(512)
  })

  test('of weights alone asks nothing of a runtime', () => {
    const offline = {
      type: 'random-hadamard',
      apply: [{ targets: ['re:.*o_proj$'], location: 'weight_output', inverse: false, ignore: [] }],
    }
    expect(configFromHuggingFace(withGroups({ R1: offline })).downHadamard).toBeUndefined()
    expect(configFromHuggingFace(withGroups({ R1: offline, R4: scheme() })).downHadamard).toBe(512)
  })

  test('is read as it is written', () => {
    for (const [block, columns] of [
      [512, 1536],
      [2048, 2048],
    ] as const) {
      expect(
        configFromHuggingFace({
          ...llama,
          intermediate_size: columns,
          quantization_config: { transform_config: compressedTransform(block, columns) },
        }).downHadamard,
      ).toBe(block)
    }
  })

  test.each<[string, Fields, string, RegExp]>([
    ['another type', { R4: scheme({ type: 'random-hadamard' }) }, 'unsupported', /R4 is of the type "random-hadamard"/],
    ['random signs', { R4: scheme({ randomize: true }) }, 'unsupported', /is randomized/],
    [
      'a transform after the rotation of positions',
      { R3: scheme({ apply: [{ targets: ['self_attn'], location: 'q_attn' }] }) },
      'unsupported',
      /R3 transforms "q_attn"/,
    ],
    [
      'an output',
      { R4: scheme({ apply: [input(['re:.*down_proj$'], { location: 'output' })] }) },
      'unsupported',
      /transforms "output"/,
    ],
    [
      'a place that is not known',
      { R4: scheme({ apply: [{ targets: ['re:.*down_proj$'] }] }) },
      'unsupported',
      /nothing else that is done to activations/,
    ],
    [
      'some layers only',
      { R4: scheme({ apply: [input(['re:model.layers.[01].mlp.down_proj$'])] }) },
      'unsupported',
      /is for the inputs of/,
    ],
    [
      'other layers too',
      { R4: scheme({ apply: [input(['re:.*(down|o)_proj$'])] }) },
      'unsupported',
      /is for the inputs of/,
    ],
    ['two of one input', { a: scheme(), b: scheme() }, 'unsupported', /transforms the inputs of down_proj 2 times/],
    [
      'an order that is no power of two',
      { R4: scheme({ head_dim: 768 }) },
      'unsupported',
      /order 768; powers of two up to 4096 are known/,
    ],
    ['the whole of 1536', { R4: scheme({ head_dim: null }) }, 'unsupported', /order 1536/],
    [
      'an order that does not divide',
      { R4: scheme({ head_dim: 1024 }) },
      'invalid-file',
      /must divide the 1536 inputs of down, but is 1024/,
    ],
    [
      'a target that is no pattern',
      { R4: scheme({ apply: [input(['re:('])] }) },
      'invalid-file',
      /is not a regular expression/,
    ],
    [
      'targets that are no names',
      { R4: scheme({ apply: [input(3)] }) },
      'invalid-file',
      /must be lists of names, but are 3/,
    ],
    ['no scheme', { R4: 'hadamard' }, 'invalid-file', /R4 must be an object/],
  ])('refuses %s', (_, groups, code, message) => {
    expect(() => configFromHuggingFace(withGroups(groups))).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    )
  })
})

describe('keys of GGUF', () => {
  const of = (more: Fields): Fields => ({
    'general.architecture': 'llama',
    'llama.block_count': 2,
    'llama.embedding_length': 64,
    'llama.attention.head_count': 4,
    'llama.feed_forward_length': 96,
    'llama.context_length': 32,
    'llama.attention.layer_norm_rms_epsilon': 1e-6,
    ...more,
  })
  const facts = { vocabSize: 100, tiedHead: true }

  test('name the order of the matrices', () => {
    const [key, { value }] = ggufTransform(32)
    expect(key).toBe('tessera.transform.mlp_down_input.hadamard')
    expect(configFromGguf(of({ [key]: value }), facts).downHadamard).toBe(32)
    expect(configFromGguf(of({}), facts).downHadamard).toBeUndefined()
  })

  test.each([
    ['tessera.transform.mlp_down_input.hadamard', 64, 'invalid-file', /must divide the 96 inputs of down, but is 64/],
    ['tessera.transform.mlp_down_input.hadamard', 24, 'unsupported', /order 24/],
    ['tessera.transform.mlp_down_input.hadamard', 0, 'unsupported', /order 0/],
    ['tessera.transform.mlp_down_input.hadamard', '32', 'invalid-file', /must be a finite number, but is "32"/],
    [
      'tessera.transform.attention_output.hadamard',
      32,
      'unsupported',
      /tessera.transform.attention_output.hadamard asks for a transform/,
    ],
  ])('refuse %s of %j', (key, value, code, message) => {
    expect(() => configFromGguf(of({ [key]: value }), facts)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    )
  })
})

test('encoders have no place for a transform, and say so', () => {
  const bert = {
    model_type: 'bert',
    hidden_size: 64,
    num_attention_heads: 4,
    num_hidden_layers: 3,
    intermediate_size: 512,
    vocab_size: 100,
    max_position_embeddings: 512,
  }
  expect(() =>
    encoderConfigFromHuggingFace({
      ...bert,
      quantization_config: { transform_config: { config_groups: { R4: scheme() } } },
    }),
  ).toThrow(/this is an encoder/)
  const gguf = {
    'general.architecture': 'bert',
    'bert.block_count': 2,
    'bert.embedding_length': 64,
    'bert.attention.head_count': 4,
    'bert.feed_forward_length': 96,
    'bert.context_length': 32,
    'bert.attention.layer_norm_epsilon': 1e-6,
    'bert.attention.causal': false,
  }
  expect(() =>
    encoderConfigFromGguf(
      { ...gguf, 'tessera.transform.mlp_down_input.hadamard': 32 },
      { vocabSize: 9, tokenTypes: 2 },
    ),
  ).toThrow(expect.objectContaining({ code: 'unsupported' }))
})
