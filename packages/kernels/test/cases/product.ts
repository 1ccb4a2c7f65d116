import {
  conformanceCase,
  type DeviceCase,
  type GoldenCase,
  goldenCase,
  goldenInput,
  goldenOutput,
  normal,
} from '@tessera-llm/testing'
import { linearOp, matmulOp } from '../../src/index.ts'
import { golden } from './golden.ts'

export const productGolden: readonly DeviceCase[] = (await golden('product')).flatMap(fromGolden)

/** Tokens, columns, rows: matrix-vector and tiles, whole and ragged. */
const sizes = [
  [1, 64, 64],
  [1, 1, 1],
  [1, 576, 96],
  [1, 33, 7],
  [2, 64, 5],
  [4, 100, 65],
  [5, 32, 32],
  [9, 65, 33],
  [17, 128, 64],
  [70, 96, 130],
] as const

export const linearConformance: readonly DeviceCase[] = [
  ...(['f32', 'f16', 'bf16'] as const).flatMap((dtype) =>
    sizes.map(([tokens, columns, rows]) =>
      conformanceCase(linearOp, {
        name: `linear [${tokens}, ${columns}] by ${dtype} [${rows}, ${columns}]`,
        inputs: {
          x: normal([tokens, columns]),
          weight: normal([rows, columns], { seed: 2, dtype }),
          bias: undefined,
          residual: undefined,
        },
        options: {},
      }),
    ),
  ),
  ...sizes.map(([tokens, columns, rows]) =>
    conformanceCase(linearOp, {
      name: `linear [${tokens}, ${columns}] with int8 activations by a dense [${rows}, ${columns}]`,
      inputs: {
        x: normal([tokens, columns]),
        weight: normal([rows, columns], { seed: 2 }),
        bias: undefined,
        residual: undefined,
      },
      options: { activations: 'int8' },
    }),
  ),
  // Two weights of three are subnormal in f16; x makes up for their size.
  ...([1, 9] as const).map((tokens) =>
    conformanceCase(linearOp, {
      name: `linear of ${tokens} by f16 that are partly subnormal`,
      inputs: {
        x: normal([tokens, 70], { scale: 2 ** 14 }),
        weight: normal([24, 70], { seed: 2, dtype: 'f16', scale: 2 ** -14 }),
        bias: undefined,
        residual: undefined,
      },
      options: {},
    }),
  ),
  ...([1, 9] as const).flatMap((tokens) => [
    conformanceCase(linearOp, {
      name: `linear of ${tokens} with bias`,
      inputs: {
        x: normal([tokens, 40]),
        weight: normal([24, 40], { seed: 2 }),
        bias: normal([24], { seed: 3 }),
        residual: undefined,
      },
      options: {},
    }),
    conformanceCase(linearOp, {
      name: `linear of ${tokens} with residual`,
      inputs: {
        x: normal([tokens, 40]),
        weight: normal([24, 40], { seed: 2 }),
        bias: undefined,
        residual: normal([tokens, 24], { seed: 3 }),
      },
      options: {},
    }),
    conformanceCase(linearOp, {
      name: `linear of [2, ${tokens}] with both`,
      inputs: {
        x: normal([2, tokens, 40]),
        weight: normal([24, 40], { seed: 2 }),
        bias: normal([24], { seed: 3 }),
        residual: normal([2, tokens, 24], { seed: 4 }),
      },
      options: {},
    }),
  ]),
  conformanceCase(linearOp, {
    name: 'linear of an x of zeros with int8 activations',
    inputs: {
      x: normal([2, 64], { scale: 0 }),
      weight: normal([8, 64], { seed: 2 }),
      bias: undefined,
      residual: undefined,
    },
    options: { activations: 'int8' },
  }),
]

export const matmulConformance: readonly DeviceCase[] = [
  ...(
    [
      [false, false],
      [true, false],
      [false, true],
      [true, true],
    ] as const
  ).flatMap(([transposeA, transposeB]) =>
    (
      [
        [1, 1, 1],
        [3, 5, 7],
        [16, 64, 32],
        [33, 65, 17],
      ] as const
    ).map(([m, k, n]) =>
      conformanceCase(matmulOp, {
        name: `matmul ${m}×${k} by ${k}×${n}${transposeA ? ', a transposed' : ''}${transposeB ? ', b transposed' : ''}`,
        inputs: { a: normal(transposeA ? [k, m] : [m, k]), b: normal(transposeB ? [n, k] : [k, n], { seed: 2 }) },
        options: { transposeA, transposeB },
      }),
    ),
  ),
  conformanceCase(matmulOp, {
    name: 'matmul of batches',
    inputs: { a: normal([2, 3, 4, 9]), b: normal([2, 3, 9, 5], { seed: 2 }) },
    options: {},
  }),
  conformanceCase(matmulOp, {
    name: 'matmul of a batch by one matrix',
    inputs: { a: normal([6, 4, 9]), b: normal([5, 9], { seed: 2 }) },
    options: { transposeB: true },
  }),
  ...(['f16', 'bf16'] as const).flatMap((dtype) => [
    conformanceCase(matmulOp, {
      name: `matmul of ${dtype} by ${dtype}`,
      inputs: { a: normal([8, 34], { dtype }), b: normal([34, 6], { seed: 2, dtype }) },
      options: {},
    }),
    conformanceCase(matmulOp, {
      name: `matmul of f32 by ${dtype}, odd sizes`,
      inputs: { a: normal([5, 33]), b: normal([33, 7], { seed: 2, dtype }) },
      options: {},
    }),
  ]),
]

function fromGolden(stored: GoldenCase): readonly DeviceCase[] {
  const { name, inputs } = stored
  const x = goldenInput(stored, 'x')
  const none = { bias: undefined, residual: undefined }
  if (inputs['w'])
    return [
      goldenCase(
        linearOp,
        { name: `${name}, linear`, inputs: { x, weight: inputs['w'], ...none }, options: {} },
        { y: goldenOutput(stored, 'y') },
      ),
    ]
  const a = goldenInput(stored, 'a')
  const left = goldenOutput(stored, 'y_left')
  const right = goldenOutput(stored, 'y_linear')
  return [
    goldenCase(linearOp, { name: `${name}, linear`, inputs: { x, weight: a, ...none }, options: {} }, { y: right }),
    goldenCase(
      matmulOp,
      { name: `${name}, a · b`, inputs: { a, b: goldenInput(stored, 'b') }, options: {} },
      { y: left },
    ),
    goldenCase(
      matmulOp,
      { name: `${name}, x · aᵀ`, inputs: { a: x, b: a }, options: { transposeB: true } },
      { y: right },
    ),
  ]
}
