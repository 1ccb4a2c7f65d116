import { kvAppendOp } from '@tessera-llm/attention'
import {
  activationOp,
  addOp,
  addRmsNormOp,
  embeddingOp,
  gatedActivationOp,
  hadamardOp,
  layerNormOp,
  multiplyOp,
  rmsNormOp,
  ropeOp,
  ropeTable,
  scaleOp,
} from '@tessera-llm/kernels'
import { hash } from '../workload/matmul-data.ts'
import { microsoft, onnx, operator } from './define.ts'
import {
  factors,
  feedForward,
  hidden,
  integers,
  large,
  nearlyLinear,
  rounded,
  values,
  vocabulary,
  widthOf,
} from './inputs.ts'
import { logitOperators } from './logit-table.ts'
import type { OnnxNodeSpec, Operator, OperatorInput } from './operator.ts'

const tokens = [[1, hidden], large]
const inner = [[1, feedForward], large]

const epsilon = 1e-5
const silu: OnnxNodeSpec = { operator: 'QuickGelu', ...microsoft, inputs: ['x'], floats: { alpha: 1 } }

const activations = (
  [
    ['silu', silu],
    ['gelu-erf', { operator: 'Gelu', inputs: ['x'] }],
    ['gelu-tanh', { operator: 'FastGelu', ...microsoft, inputs: ['x'] }],
    ['relu', { operator: 'Relu', inputs: ['x'] }],
  ] as const
).map(([kind, node]) =>
  operator(
    `activation ${kind}`,
    activationOp,
    { kind },
    { sizes: inner, inputs: (size) => ({ x: nearlyLinear(size) }), chained: 'x', onnx: onnx(node) },
  ),
)

const embeddings = (['f32', 'f16'] as const).map((dtype) =>
  operator(
    `embedding ${dtype}`,
    embeddingOp,
    {},
    {
      sizes: [
        [1, hidden],
        [512, hidden],
      ],
      inputs([count = 1, width = 1]) {
        const table = values([vocabulary, width], 1)
        return {
          ids: integers([count], (index) => hash(index) % vocabulary),
          weight: dtype === 'f32' ? table : rounded(table),
        }
      },
      ...(dtype === 'f32' ? { onnx: onnx({ operator: 'Gather', inputs: ['weight', 'ids'] }) } : {}),
    },
  ),
)

const appends = (['f32', 'f16'] as const).map(
  (dtype): Operator =>
    operator(
      `kv-append ${dtype}`,
      kvAppendOp,
      {},
      {
        sizes: [
          [1, 3, 64],
          [512, 8, 64],
        ],
        inputs([count = 1, heads = 1, width = 1]) {
          const cache = values([1, heads, 1024, width], 1)
          return {
            cache: dtype === 'f32' ? cache : rounded(cache),
            x: values([1, count, heads, width], 2),
            positions: integers([1], () => 0),
          }
        },
        output: 'cache',
      },
    ),
)

export const operators: readonly Operator[] = [
  operator(
    'rms-norm',
    rmsNormOp,
    { eps: epsilon },
    {
      sizes: tokens,
      inputs: (size) => ({ x: values(size, 1), weight: factors([widthOf(size)], 2) }),
      chained: 'x',
      onnx: onnx({
        operator: 'SimplifiedLayerNormalization',
        inputs: ['x', 'weight'],
        integers: { axis: 1 },
        floats: { epsilon },
      }),
    },
  ),
  operator(
    'add-rms-norm',
    addRmsNormOp,
    { eps: epsilon },
    {
      sizes: tokens,
      inputs: (size) => ({ x: values(size, 1), residual: values(size, 3), weight: factors([widthOf(size)], 2) }),
      chained: 'x',
      onnx: onnx({
        operator: 'SkipSimplifiedLayerNormalization',
        ...microsoft,
        inputs: ['x', 'residual', 'weight'],
        floats: { epsilon },
        outputs: 4,
      }),
    },
  ),
  operator(
    'layer-norm',
    layerNormOp,
    { eps: epsilon },
    {
      sizes: tokens,
      inputs: (size) => ({ x: values(size, 1), weight: factors([widthOf(size)], 2), bias: values([widthOf(size)], 3) }),
      chained: 'x',
      onnx: onnx({
        operator: 'LayerNormalization',
        inputs: ['x', 'weight', 'bias'],
        integers: { axis: 1 },
        floats: { epsilon },
      }),
    },
  ),
  operator(
    'rope',
    ropeOp,
    { style: 'neox' },
    {
      sizes: [
        [1, 9, 64],
        [512, 32, 64],
      ],
      inputs([count = 1, heads = 1, width = 1]) {
        const { cos, sin } = ropeTable({ theta: 1e4, rotaryDim: width, maxPositions: 1024 })
        const table = (data: Float32Array): OperatorInput => ({
          dtype: 'f32',
          shape: [1024, width / 2],
          data: () => data as Float32Array<ArrayBuffer>,
        })
        return {
          x: values([1, count, heads, width], 1),
          cos: table(cos),
          sin: table(sin),
          positions: integers([1, count], (index) => 100 + index),
        }
      },
      chained: 'x',
      onnx: ([count = 1, heads = 1, width = 1]) => ({
        nodes: [{ operator: 'RotaryEmbedding', ...microsoft, inputs: ['x', 'positions', 'cos', 'sin'] }],
        shapes: { x: [1, count, heads * width] },
      }),
    },
  ),
  ...activations,
  operator(
    'gated-activation silu',
    gatedActivationOp,
    { kind: 'silu' },
    {
      sizes: inner,
      inputs: (size) => ({ gate: nearlyLinear(size), up: factors(size, 2) }),
      chained: 'gate',
      onnx: onnx({ ...silu, inputs: ['gate'] }, { operator: 'Mul', inputs: ['chain', 'up'] }),
    },
  ),
  // In front of `down`, whose 1536 inputs are three blocks. Orthogonal: chained values keep their size.
  operator(
    'hadamard 512',
    hadamardOp,
    { block: 512 },
    { sizes: inner, inputs: (size) => ({ x: values(size, 1) }), chained: 'x' },
  ),
  operator(
    'add',
    addOp,
    {},
    {
      sizes: tokens,
      inputs: (size) => ({ a: values(size, 1), b: values(size, 2) }),
      chained: 'a',
      onnx: onnx({ operator: 'Add', inputs: ['a', 'b'] }),
    },
  ),
  operator(
    'multiply',
    multiplyOp,
    {},
    {
      sizes: tokens,
      inputs: (size) => ({ a: values(size, 1), b: factors(size, 2) }),
      chained: 'a',
      onnx: onnx({ operator: 'Mul', inputs: ['a', 'b'] }),
    },
  ),
  operator(
    'scale',
    scaleOp,
    { factor: -1 },
    {
      sizes: tokens,
      inputs: (size) => ({ x: values(size, 1) }),
      chained: 'x',
      onnx: () => ({
        nodes: [{ operator: 'Mul', inputs: ['x', 'factor'] }],
        constants: { factor: { type: 'f32', shape: [], value: -1 } },
      }),
    },
  ),
  ...logitOperators,
  ...embeddings,
  ...appends,
]

export function operatorOf(name: string): Operator {
  const found = operators.find((candidate) => candidate.name === name)
  if (!found) throw new Error(`bench: no operator ${name}`)
  return found
}
