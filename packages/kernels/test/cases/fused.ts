import { conformanceCase, type DeviceCase, normal } from '@tessera-llm/testing'
import { type ActivationKind, gatedLinearOp, qkvLinearOp } from '../../src/index.ts'

const floats = ['f32', 'f16', 'bf16'] as const

/** Tokens, columns, and rows of query, key and value: whole and ragged tiles, equal and unequal head counts. */
const sizes = [
  [1, 64, 24, 8, 8],
  [1, 1, 1, 1, 1],
  [1, 33, 7, 5, 9],
  [1, 576, 70, 64, 66],
  [3, 40, 12, 4, 4],
] as const

export const qkvLinearConformance: readonly DeviceCase[] = [
  ...floats.flatMap((dtype) =>
    sizes.map(([tokens, columns, query, key, value], index) =>
      conformanceCase(qkvLinearOp, {
        name: `qkv-linear [${tokens}, ${columns}] by ${dtype} of ${query}, ${key} and ${value} rows`,
        inputs: {
          x: normal([tokens, columns], { scale: 3 }),
          norm: index % 2 ? undefined : normal([columns], { seed: 2, mean: index === 4 ? 0 : 1, scale: 0.2 }),
          query: normal([query, columns], { seed: 3, dtype }),
          key: normal([key, columns], { seed: 4, dtype }),
          value: normal([value, columns], { seed: 5, dtype }),
          queryBias: undefined,
          keyBias: undefined,
          valueBias: undefined,
        },
        options: { eps: 1e-5, unitOffset: index === 4, activations: index === 3 ? 'int8' : 'f32' },
      }),
    ),
  ),
  conformanceCase(qkvLinearOp, {
    name: 'qkv-linear by weights of three kinds, with biases and without a norm',
    inputs: {
      x: normal([1, 72]),
      norm: undefined,
      query: normal([16, 72], { seed: 3 }),
      key: normal([8, 72], { seed: 4, dtype: 'f16' }),
      value: normal([8, 72], { seed: 5, dtype: 'bf16' }),
      queryBias: normal([16], { seed: 6 }),
      keyBias: undefined,
      valueBias: normal([8], { seed: 7 }),
    },
    options: {},
  }),
]

const kinds: readonly ActivationKind[] = ['silu', 'gelu-tanh', 'gelu-erf', 'relu2', 'silu']

export const gatedLinearConformance: readonly DeviceCase[] = [
  ...floats.flatMap((dtype) =>
    sizes.map(([tokens, columns, rows], index) =>
      conformanceCase(gatedLinearOp, {
        name: `gated-linear [${tokens}, ${columns}] by ${dtype} of ${rows} rows`,
        inputs: {
          x: normal([tokens, columns], { scale: 3 }),
          norm: index % 2 ? undefined : normal([columns], { seed: 2, mean: 1, scale: 0.2 }),
          gate: normal([rows, columns], { seed: 3, dtype, scale: 0.1 }),
          up: normal([rows, columns], { seed: 4, dtype, scale: 0.1 }),
        },
        options: { kind: kinds[index] as ActivationKind, eps: 1e-5, unitOffset: index === 4 },
      }),
    ),
  ),
  conformanceCase(gatedLinearOp, {
    name: 'gated-linear by weights of two kinds',
    inputs: {
      x: normal([1, 72]),
      norm: normal([72], { seed: 2 }),
      gate: normal([16, 72], { seed: 3, scale: 0.1 }),
      up: normal([16, 72], { seed: 4, dtype: 'f16', scale: 0.1 }),
    },
    options: { kind: 'silu', eps: 1e-6 },
  }),
]

/** Devices may support one token only. */
export const ofOneToken = ({ name }: DeviceCase): boolean => !name.includes(' [3, ')
export const fusedConformance: readonly DeviceCase[] = [...qkvLinearConformance, ...gatedLinearConformance]
