import { type OpProblem, integers, normal, values } from '@tessera-llm/testing'
import {
  activationKinds,
  type ArgmaxInputs,
  type EmbeddingInputs,
  type EmbeddingOptions,
  type GatedActivationInputs,
  type GatedActivationOptions,
  type LinearInputs,
  type LinearOptions,
  type RmsNormInputs,
  type RmsNormOptions,
  type RopeInputs,
  type RopeOptions,
} from '../../src/index.ts'

// Problems for every device: sizes on both sides of kernel tiles, optional inputs present and absent.

export const rmsNormProblems: readonly OpProblem<RmsNormInputs, RmsNormOptions>[] = [
  ...[1, 3, 4, 5, 15, 16, 17, 63, 64, 576, 1000].map((width) => ({
    name: `width ${width}`,
    inputs: { x: normal([3, width]), weight: normal([width], { seed: 2 }) },
    options: { eps: 1e-5 },
  })),
  { name: 'no weight, one row', inputs: { x: normal([70]), weight: undefined }, options: { eps: 1e-6 } },
  {
    name: 'unit offset, batch',
    inputs: { x: normal([2, 5, 40], { scale: 30 }), weight: normal([40], { seed: 2, scale: 0.1 }) },
    options: { eps: 1e-6, unitOffset: true },
  },
  { name: 'zeros', inputs: { x: values([2, 8], new Float64Array(16)), weight: normal([8]) }, options: { eps: 1e-5 } },
]

export const ropeProblems: readonly OpProblem<RopeInputs, RopeOptions>[] = [
  { batch: 1, tokens: 1, heads: 9, headDim: 64, rotary: 64 },
  { batch: 2, tokens: 5, heads: 3, headDim: 32, rotary: 16 },
  { batch: 1, tokens: 7, heads: 2, headDim: 10, rotary: 6 },
  { batch: 1, tokens: 2, heads: 1, headDim: 8, rotary: 2 },
].flatMap(({ batch, tokens, heads, headDim, rotary }) =>
  (['neox', 'gptj'] as const).map((style) => ({
    name: `${style} ${batch}×${tokens}×${heads}×${headDim}, ${rotary} rotated`,
    inputs: {
      x: normal([batch, tokens, heads, headDim]),
      cos: normal([12, rotary / 2], { seed: 2 }),
      sin: normal([12, rotary / 2], { seed: 3 }),
      positions: integers([batch, tokens], 12, 4),
    },
    options: { style },
  })),
)

export const gatedActivationProblems: readonly OpProblem<GatedActivationInputs, GatedActivationOptions>[] = [
  ...activationKinds.flatMap((kind) =>
    [1, 7, 64, 1537].map((size) => ({
      name: `${kind}, ${size}`,
      inputs: { gate: normal([size], { scale: 3 }), up: normal([size], { seed: 2 }) },
      options: { kind },
    })),
  ),
  ...activationKinds.map((kind) => ({
    name: `${kind}, far out`,
    inputs: {
      gate: values([10], [-1e4, -100, -88, -20, -1e-6, 0, 1e-6, 20, 88, 1000]),
      up: values([10], new Float64Array(10).fill(1)),
    },
    options: { kind },
  })),
]

export const argmaxProblems: readonly OpProblem<ArgmaxInputs, Record<string, never>>[] = [
  ...[1, 2, 3, 4, 5, 31, 64, 1001].map((width) => ({
    name: `width ${width}`,
    inputs: { x: normal([3, width]) },
    options: {},
  })),
  {
    name: 'the first of equals',
    inputs: { x: values([2, 9], [0, 3, 1, 3, 3, 0, 0, 0, 3, 5, 5, 5, 5, 5, 5, 5, 5, 5]) },
    options: {},
  },
  { name: 'all negative', inputs: { x: values([1, 6], [-5, -4, -3, -2.5, -9, -2.5]) }, options: {} },
]

const denseTypes = ['f32', 'f16', 'bf16'] as const

export const embeddingProblems: readonly OpProblem<EmbeddingInputs, EmbeddingOptions>[] = denseTypes.flatMap(
  (dtype) => [
    { name: `${dtype}`, inputs: { ids: integers([2, 3], 11), weight: normal([11, 37], { dtype }) }, options: {} },
    {
      name: `${dtype}, scaled, ids outside`,
      inputs: { ids: values([4], [0, -1, 10, 11], 'i32'), weight: normal([11, 8], { dtype }) },
      options: { scale: 1.5 },
    },
  ],
)

export const linearProblems: readonly OpProblem<LinearInputs, LinearOptions>[] = denseTypes.flatMap((dtype) =>
  [
    { tokens: 1, rows: 1, columns: 1 },
    { tokens: 1, rows: 9, columns: 33 },
    { tokens: 1, rows: 64, columns: 576 },
    { tokens: 2, rows: 8, columns: 8 },
    { tokens: 3, rows: 13, columns: 31 },
    { tokens: 4, rows: 16, columns: 64 },
    { tokens: 7, rows: 7, columns: 100 },
    { tokens: 130, rows: 12, columns: 20 },
    // More rows than the panels that WebAssembly keeps in cache at a time.
    { tokens: 5, rows: 77, columns: 1500 },
  ].flatMap(({ tokens, rows, columns }) => {
    const x = normal([tokens, columns])
    const weight = normal([rows, columns], { dtype, seed: 2 })
    const name = `${dtype}, ${tokens} × ${columns} → ${rows}`
    return [
      { name, inputs: { x, weight, bias: undefined, residual: undefined }, options: {} },
      {
        name: `${name}, bias and residual`,
        inputs: { x, weight, bias: normal([rows], { seed: 3 }), residual: normal([tokens, rows], { seed: 4 }) },
        options: {},
      },
    ]
  }),
)
