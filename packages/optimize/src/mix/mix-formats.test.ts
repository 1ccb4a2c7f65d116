import type { Shape } from '@tessera-llm/tensor'
import { describe, expect, test } from 'vitest'
import type { Mix } from '../recipe/index.ts'
import { fittingFormat, mixFormats } from './index.ts'

interface Sizes {
  readonly layers: number
  readonly hidden?: number
  readonly query?: number
  readonly keys?: number
  readonly inner?: number
  readonly isTied?: boolean
}

type Shapes = ReadonlyMap<string, { readonly shape: Shape }>

/** A model with separate matrices for query, key and value. */
function llama({ layers, hidden = 4096, query = hidden, keys = 1024, inner = 14336, isTied = false }: Sizes): Shapes {
  const entries = Array.from({ length: layers }, (_, layer): [string, Shape][] => [
    [`layers.${layer}.attention_norm`, [hidden]],
    [`layers.${layer}.attention.query`, [query, hidden]],
    [`layers.${layer}.attention.key`, [keys, hidden]],
    [`layers.${layer}.attention.value`, [keys, hidden]],
    [`layers.${layer}.attention.output`, [hidden, query]],
    [`layers.${layer}.mlp.gate`, [inner, hidden]],
    [`layers.${layer}.mlp.up`, [inner, hidden]],
    [`layers.${layer}.mlp.down`, [hidden, inner]],
  ]).flat()
  return new Map<string, { readonly shape: Shape }>([
    ['embedding', { shape: [32000, hidden] }],
    ...(isTied ? [] : [['head', { shape: [32000, hidden] }] as const]),
    // Files order layers by name, 10 before 2.
    ...entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, shape]) => [name, { shape }] as const),
  ])
}

/** Phi-3 as a GGUF file: query, key and value in one matrix, gate and up in another. */
function phi3(layers: number): Shapes {
  return new Map<string, { readonly shape: Shape }>([
    ['embedding', { shape: [32064, 3072] }],
    ['head', { shape: [32064, 3072] }],
    ...Array.from({ length: layers }, (_, layer) => [
      [`blk.${layer}.attn_qkv.weight`, { shape: [9216, 3072] }] as const,
      [`layers.${layer}.attention.output`, { shape: [3072, 3072] }] as const,
      [`layers.${layer}.mlp.up`, { shape: [16384, 3072] }] as const,
      [`layers.${layer}.mlp.down`, { shape: [3072, 8192] }] as const,
    ]).flat(),
  ])
}

const formatsOf = (mix: Mix, weights: Shapes): ReadonlyMap<string, string> =>
  new Map([...mixFormats(mix, weights)].map(([name, { format }]) => [name, format]))
const counts = (formats: ReadonlyMap<string, string>): Readonly<Record<string, number>> => {
  const counted: Record<string, number> = {}
  for (const format of formats.values()) counted[format] = (counted[format] ?? 0) + 1
  return counted
}

/** Number of tensors of each type that llama.cpp prints for published files (`- type q4_K: 193 tensors`). */
describe('the counts of published files', () => {
  test.each<[string, Mix, Shapes, Readonly<Record<string, number>>]>([
    ['Llama 2 7B', 'q4_k_m', llama({ layers: 32, keys: 4096, inner: 11008 }), { q4_k: 193, q6_k: 33 }],
    ['Llama 2 7B', 'q5_k_m', llama({ layers: 32, keys: 4096, inner: 11008 }), { q5_k: 193, q6_k: 33 }],
    ['Mistral 7B', 'q3_k_m', llama({ layers: 32 }), { q3_k: 129, q4_k: 92, q5_k: 4, q6_k: 1 }],
    ['Llama 3.1 8B', 'q3_k_l', llama({ layers: 32 }), { q3_k: 129, q5_k: 96, q6_k: 1 }],
    [
      'Qwen 2.5 7B',
      'q3_k_m',
      llama({ layers: 28, hidden: 3584, keys: 512, inner: 18944 }),
      { q3_k: 113, q4_k: 81, q5_k: 3, q6_k: 1 },
    ],
    ['Phi 3 mini', 'q4_k_m', phi3(32), { q4_k: 81, q5_k: 32, q6_k: 17 }],
    ['Phi 4', 'q4_k_m', phi3(40), { q4_k: 101, q5_k: 40, q6_k: 21 }],
  ])('%s %s', (_, mix, weights, expected) => {
    expect(counts(formatsOf(mix, weights))).toEqual(expected)
  })
})

test('Gemma 3 270M in Q4_K_M: the types of the published file, whose rows are 640, 1024 and 2048 long', () => {
  const formats = formatsOf(
    'q4_k_m',
    llama({ layers: 18, hidden: 640, query: 1024, keys: 256, inner: 2048, isTied: true }),
  )
  const more = [0, 1, 4, 7, 10, 13, 15, 16, 17]
  expect(formats.size).toBe(1 + 7 * 18)
  expect(formats.get('embedding')).toBe('q8_0')
  for (let layer = 0; layer < 18; layer++)
    expect(
      ['query', 'key', 'value', 'output']
        .map((part) => formats.get(`layers.${layer}.attention.${part}`))
        .concat(['gate', 'up', 'down'].map((part) => formats.get(`layers.${layer}.mlp.${part}`))),
      `layer ${layer}`,
    ).toEqual(
      more.includes(layer)
        ? ['q5_0', 'q5_0', 'q8_0', 'q4_k', 'q5_0', 'q5_0', 'q6_k']
        : ['q5_0', 'q5_0', 'q5_0', 'q4_k', 'q5_0', 'q5_0', 'q4_k'],
    )
})

// Derived by hand from the rules in llama-quant.cpp.
test.each<[Mix, Sizes, Readonly<Record<string, number>>]>([
  ['q4_k_s', { layers: 32 }, { q4_k: 217, q5_k: 8, q6_k: 1 }],
  ['q5_k_s', { layers: 32 }, { q5_k: 225, q6_k: 1 }],
  ['q3_k_s', { layers: 32 }, { q3_k: 225, q6_k: 1 }],
  ['q6_k', { layers: 32 }, { q6_k: 226 }],
  ['q2_k', { layers: 32 }, { q2_k: 129, q3_k: 64, q4_k: 32, q6_k: 1 }],
  ['q2_k', { layers: 32, keys: 2048 }, { q2_k: 129, q3_k: 96, q6_k: 1 }],
  // The head is tied to the embedding.
  ['q4_k_m', { layers: 16, isTied: true }, { q4_k: 96, q6_k: 17 }],
  // Values of 70B models, which are few, get more bits than the base.
  ['q4_k_m', { layers: 80, hidden: 8192, inner: 28672 }, { q4_k: 441, q5_k: 40, q6_k: 81 }],
  ['q4_k_m', { layers: 80, hidden: 8192, keys: 8192, inner: 22016 }, { q4_k: 481, q6_k: 81 }],
  ['q3_k_s', { layers: 80, hidden: 8192, inner: 28672 }, { q3_k: 481, q5_k: 80, q6_k: 1 }],
])('%s of %j', (mix, sizes, expected) => {
  expect(counts(formatsOf(mix, llama(sizes)))).toEqual(expected)
})

test.each([
  ['q4_k', 256, 'q4_k'],
  ['q4_k', 576, 'q5_0'],
  ['q5_k', 576, 'q5_1'],
  ['q6_k', 576, 'q8_0'],
  ['q3_k', 576, 'iq4_nl'],
  ['q2_k', 576, 'iq4_nl'],
  ['iq4_xs', 576, 'iq4_nl'],
  ['tq2_0', 576, 'q4_0'],
  ['q4_k', 48, 'f16'],
  ['q8_0', 48, 'f16'],
  ['f32', 3, 'f32'],
] as const)('%s in rows of %i is %s', (format, columns, expected) => {
  expect(fittingFormat(format, columns)).toBe(expected)
})
