import { kvAppendOp } from '@tessera-llm/attention'
import {
  activationOp,
  addOp,
  addRmsNormOp,
  argmaxOp,
  crossEntropyOp,
  embeddingOp,
  gatedActivationOp,
  layerNormOp,
  logSoftmaxOp,
  multiplyOp,
  rmsNormOp,
  ropeOp,
  ropeTable,
  scaleOp,
  softmaxOp,
  topKOp,
} from '@tessera-llm/kernels'
import { encodeElements, type Op, type OpInputs, type OpOptions, type OpOutputs } from '@tessera-llm/tensor'
import { hash } from '../workload/matmul-data.ts'
import type { OnnxNodeSpec, OnnxSpec, Operator, OperatorInput } from './operator.ts'

/** The widths of SmolLM2-135M for one token, and 512 tokens of a 1 B model. */
const [hidden, feedForward, vocabulary] = [576, 1536, 49152]
const large = [512, 2048] as const
const tokens = [[1, hidden], large]
const inner = [[1, feedForward], large]
const logits = [
  [1, vocabulary],
  [64, vocabulary],
]

/** Between `middle` − `spread` and `middle` + `spread`, the same for everyone. */
function values(
  shape: readonly number[],
  seed: number,
  middle = 0,
  spread = 1,
): OperatorInput & { data(): Float32Array<ArrayBuffer> } {
  const first = seed << 27
  return {
    dtype: 'f32',
    shape,
    data: () =>
      Float32Array.from(
        { length: product(shape) },
        (_, index) => middle + spread * (hash(first + index) / 2 ** 31 - 1),
      ),
  }
}

const integers = (shape: readonly number[], value: (index: number) => number): OperatorInput => ({
  dtype: 'i32',
  shape,
  data: () => Int32Array.from({ length: product(shape) }, (_, index) => value(index)),
})
/** The same values, rounded. */
function rounded(input: ReturnType<typeof values>): OperatorInput {
  return {
    dtype: 'f16',
    shape: input.shape,
    data: () => encodeElements(input.data(), 'f16') as Uint16Array<ArrayBuffer>,
  }
}
const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1)
const widthOf = (size: readonly number[]): number => size.at(-1) ?? 1

/** An op of any type as one of the table, whose inputs go by name. */
function operator<I extends OpInputs, O extends OpOutputs, X extends OpOptions>(
  name: string,
  op: Op<I, O, X>,
  options: X,
  rest: Omit<Operator, 'name' | 'op' | 'options' | 'output'> & { readonly output?: string },
): Operator {
  return { name, op: op as unknown as Op, options, output: 'y', ...rest }
}

const onnx =
  (...nodes: readonly OnnxNodeSpec[]): (() => OnnxSpec) =>
  () => ({ nodes })
const microsoft = { domain: 'com.microsoft' } as const
const epsilon = 1e-5
const silu: OnnxNodeSpec = { operator: 'QuickGelu', ...microsoft, inputs: ['x'], floats: { alpha: 1 } }

/** Multipliers near 1 keep chained values in range: what becomes subnormal takes longer. */
const factors = (size: readonly number[], seed: number): OperatorInput => values(size, seed, 1, 0.01)

/** Where functions are nearly x itself: chained, GELU halves small values until their squares are subnormal. */
const nearlyLinear = (size: readonly number[]): OperatorInput => values(size, 1, 6, 1)

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
  operator(
    'softmax',
    softmaxOp,
    {},
    {
      sizes: [[1, vocabulary], large],
      inputs: (size) => ({ x: values(size, 1, 0, 8) }),
      chained: 'x',
      onnx: onnx({ operator: 'Softmax', inputs: ['x'], integers: { axis: 1 } }),
    },
  ),
  operator(
    'log-softmax',
    logSoftmaxOp,
    {},
    {
      sizes: [[1, vocabulary], large],
      inputs: (size) => ({ x: values(size, 1, 0, 8) }),
      chained: 'x',
      onnx: onnx({ operator: 'LogSoftmax', inputs: ['x'], integers: { axis: 1 } }),
    },
  ),
  operator(
    'cross-entropy',
    crossEntropyOp,
    {},
    {
      sizes: logits,
      inputs: (size) => ({
        logits: values(size, 1, 0, 8),
        labels: integers([size[0] ?? 1], (index) => hash(index) % vocabulary),
      }),
      output: 'nll',
    },
  ),
  operator(
    'argmax',
    argmaxOp,
    {},
    {
      sizes: logits,
      inputs: (size) => ({ x: values(size, 1, 0, 8) }),
      output: 'index',
      onnx: onnx({ operator: 'ArgMax', inputs: ['x'], integers: { axis: 1, keepdims: 0 } }),
    },
  ),
  operator(
    'top-k 40',
    topKOp,
    { k: 40 },
    {
      sizes: logits,
      inputs: (size) => ({ x: values(size, 1, 0, 8) }),
      output: 'values',
      onnx: () => ({
        nodes: [{ operator: 'TopK', inputs: ['x', 'k'], integers: { axis: 1 }, outputs: 2 }],
        constants: { k: { type: 'i64', shape: [1], value: 40 } },
      }),
    },
  ),
  ...embeddings,
  ...appends,
]

export function operatorOf(name: string): Operator {
  const found = operators.find((candidate) => candidate.name === name)
  if (!found) throw new Error(`bench: no operator ${name}`)
  return found
}
