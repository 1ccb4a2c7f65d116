import { isTesseraError } from '@tessera-llm/tensor'
import { describe, expect, test } from 'vitest'
import { matchTargets, namedRecipe, namedRecipes, parseByteSize, parseRecipe, parseRecipeJson } from './index.ts'

describe('parseRecipe', () => {
  test('gives back what it was given', () => {
    const recipe = {
      name: 'gptq-4',
      seed: 1,
      calibration: { windows: 8, window: 256 },
      cache: { format: 'int4', exactTokens: 64 },
      steps: [
        { kind: 'rotate', matrix: 'hadamard', heads: true, down: true },
        { kind: 'smooth', targets: 'layers.*.mlp.*', alpha: 0.6 },
        { kind: 'awq' },
        {
          kind: 'quantize',
          targets: ['layers.*.mlp.*'],
          method: 'gptq',
          format: { bits: 4, group: 64 },
          correct: true,
          passes: 1,
        },
        { kind: 'quantize', targets: 'embedding', method: 'rtn', format: 'q8_0' },
        { kind: 'mix', mix: 'q4_k_m', targets: 'layers.**', method: 'gptq', correct: true },
      ],
    }
    expect(parseRecipe(recipe)).toEqual(recipe)
    expect(parseRecipeJson(JSON.stringify(recipe))).toEqual(recipe)
  })

  test.each([
    [{}, 'recipe: the key "steps" is missing'],
    [
      { steps: [] },
      'recipe: steps is empty; a recipe has a step, or says by cache how keys and values are kept, or by activations how inputs of layers are rounded',
    ],
    [
      { cache: { format: 'int4', exactToken: 3 }, steps: [] },
      'the key "cache.exactToken" is not known; did you mean exactTokens?',
    ],
    [{ cache: { format: 'int3' }, steps: [] }, 'cache.format is "int3"'],
    [{ step: [] }, 'the key "step" is not known; did you mean steps?'],
    [
      { calibration: { window_size: 5 }, steps: [{ kind: 'rotate' }] },
      'the key "calibration.window_size" is not known; did you mean window? Known are windows, window',
    ],
    [
      { steps: [{ kind: 'quantise' }] },
      'steps.0.kind is "quantise", but must be ("convert-heads" | "rotate" | "awq" | "smooth" | "quantize" | "mix" | "budget"); did you mean quantize?',
    ],
    [{ steps: [{ kind: 'mix', mix: 'q4_k_l' }] }, 'recipe: steps[0] (mix): mix is "q4_k_l", but must be ("q2_k" | '],
    [{ steps: [{ kind: 'mix', mix: 'q4_k_m', method: 'hqq' }] }, 'method is "hqq", but must be ("rtn" | "gptq")'],
    [
      { steps: [{ kind: 'budget', size: '60MB', format: ['q4_0'] }] },
      'recipe: steps[0] (budget): the key "format" is not known; did you mean formats?',
    ],
    [
      { steps: [{ kind: 'budget', size: '60Mb/s' }] },
      'size: "60Mb/s" is no size; write a number and a unit, such as 60MB or 57.2MiB',
    ],
    [
      {
        steps: [
          { kind: 'budget', size: '60' },
          { kind: 'budget', size: '50' },
        ],
      },
      'a recipe has one budget step at most',
    ],
    [
      { steps: [{ kind: 'quantize', method: 'gptq', format: 'q4_0', actorder: true }] },
      'recipe: steps[0] (quantize): the key "actorder" is not known; did you mean actOrder?',
    ],
    [{ steps: [{ kind: 'smooth', alpha: 2 }] }, 'recipe: steps[0] (smooth): alpha is 2, but must be <=1'],
    [
      { steps: [{ kind: 'quantize', method: 'gptq', format: { bits: 5, group: 64 } }] },
      'recipe: steps[0] (quantize): format',
    ],
    [{ steps: [{ kind: 'quantize', method: 'gptq', format: 'q4_9' }] }, 'format is "q4_9", but must be (("f32" | '],
    [{ steps: [{ kind: 'quantize', method: 'gptq', format: 'q8_o' }] }, '; did you mean q8_0?'],
    [
      { steps: [{ kind: 'quantize', method: 'awq', format: 'q4_0' }] },
      'method is "awq", but must be ("rtn" | "hqq" | "gptq")',
    ],
    [
      { steps: [{ kind: 'rotate' }, { kind: 'convert-heads', numKvHeads: 1, method: 'mean' }] },
      'steps[1] (convert-heads) must be the first step',
    ],
    [
      { steps: [{ kind: 'convert-heads', numKvHeads: 1, method: 'average' }] },
      'recipe: steps[0] (convert-heads): method is "average", but must be',
    ],
    ['gptq', 'recipe: it is "gptq", but must be Object'],
  ])('refuses %j', (recipe, message) => {
    let error: unknown
    try {
      parseRecipe(recipe)
    } catch (caught) {
      error = caught
    }
    expect(isTesseraError(error, 'invalid-option')).toBe(true)
    expect(String(error)).toContain(message)
  })

  test('says where JSON breaks', () => {
    expect(() => parseRecipeJson('{"steps": [')).toThrow('recipe: not JSON')
  })
})

test.each([
  ['60MB', 60_000_000],
  ['57.2 MiB', 59_978_547],
  ['60mb', 60_000_000],
  ['1.5kB', 1500],
  ['2GiB', 2 ** 31],
  ['4096', 4096],
  [4096, 4096],
])('a size of %s is %i bytes', (size, bytes) => {
  expect(parseByteSize(size)).toBe(bytes)
})

test.each([
  ['60MIB/', '"60MIB/" is no size'],
  ['60Mo', 'has the unit "Mo"; did you mean MB? Known are B, kB, MB, GB, KiB, MiB, GiB'],
  ['-5MB', 'is no size'],
  ['0MB', 'is 0 bytes; give a size above zero'],
  [Number.NaN, 'is no size'],
])('%s is refused as a size', (size, message) => {
  expect(() => parseByteSize(size)).toThrow(message)
})

describe('matchTargets', () => {
  const names = [
    'embedding',
    'layers.0.attention.query',
    'layers.0.mlp.up',
    'layers.1.attention.query',
    'layers.11.mlp.up',
    'head',
  ]
  test.each([
    ['layers.*.mlp.*', ['layers.0.mlp.up', 'layers.11.mlp.up']],
    ['layers.1*.**', ['layers.1.attention.query', 'layers.11.mlp.up']],
    ['**', names],
    [
      ['head', 'embedding'],
      ['embedding', 'head'],
    ],
  ])('%j', (targets, expected) => {
    expect(matchTargets(targets, names)).toEqual(expected)
  })
  test('refuses a pattern without a match, and tells what there is', () => {
    expect(() => matchTargets('layers.*.ffn.*', names)).toThrow(
      '"layers.*.ffn.*" matches no weight of this model; its names are like embedding, layers.1.attention.query, layers.11.mlp.up, head',
    )
  })
})

test('recipes that ship are valid, and a name that is not known is answered with the nearest', () => {
  for (const [name, recipe] of Object.entries(namedRecipes)) expect(parseRecipe(recipe), name).toEqual(recipe)
  expect(namedRecipe('gptq-4').steps).toHaveLength(1)
  expect(namedRecipe('q3_k_l-importance').steps).toEqual([{ kind: 'mix', mix: 'q3_k_l', importance: true }])
  expect(() => namedRecipe('nope')).toThrow('there is none called "nope". Known are q8_0,')
  expect(() => namedRecipe('q4_0')).toThrow('"q4_0"; it is a format, which a quantize step takes (CLI: --format q4_0).')
  expect(() => namedRecipe('gtpq-4')).toThrow('there is none called "gtpq-4"; did you mean gptq-4? Known are q8_0,')
})
