import {
  createReferenceDevice,
  dense,
  describeProblem,
  type Device,
  type DType,
  type Format,
  isTesseraError,
  type PackedTensor,
  sizeOf,
  type Tensor,
} from '@tessera-llm/tensor'
import { values } from '@tessera-llm/testing'
import { expect, test } from 'vitest'
import {
  activation,
  type ActivationKind,
  add,
  addRmsNorm,
  argmax,
  crossEntropy,
  embedding,
  gatedActivation,
  hadamard,
  layerNorm,
  linear,
  linearOp,
  logSoftmax,
  matmul,
  matmulOp,
  multiply,
  rmsNorm,
  rope,
  scale,
  softmax,
  topK,
} from '../src/index.ts'

const device: Device = createReferenceDevice()

function tensor(shape: readonly number[], dtype: DType = 'f32'): Tensor {
  const { data } = values(shape, new Float64Array(sizeOf(shape)), dtype)
  return device.tensor(data, shape, dtype)
}

const bytesFormat: Format = {
  id: 'bytes',
  version: 1,
  parts: (shape) => ({ bytes: { dtype: 'u8', shape } }),
  decode: ({ bytes = new Uint8Array() }) => Float64Array.from(bytes),
}
const packed: PackedTensor = device.pack(bytesFormat, [2, 4], { bytes: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) })

const ropeInputs = (
  over: { readonly x?: Tensor; readonly cos?: Tensor; readonly positions?: Tensor },
  style = 'neox',
): Tensor =>
  rope(
    over.x ?? tensor([1, 2, 1, 4]),
    over.cos ?? tensor([8, 2]),
    tensor([8, 2]),
    over.positions ?? tensor([1, 2], 'i32'),
    { style: style as 'neox' },
  )

test.for<[string, () => unknown, string]>([
  ['invalid-dtype', () => softmax(tensor([2], 'f16')), 'softmax: x must be f32, not f16'],
  ['invalid-shape', () => softmax(tensor([])), 'softmax: x must have a last axis with at least one value'],
  ['invalid-shape', () => logSoftmax(tensor([3, 0])), 'log-softmax: x must have a last axis with at least one value'],
  ['invalid-shape', () => argmax(tensor([0])), 'argmax: x must have a last axis'],
  ['invalid-option', () => topK(tensor([5]), { k: 0 }), 'top-k: k must be an integer of 1 … 5, not 0'],
  ['invalid-option', () => topK(tensor([5]), { k: 6 }), 'top-k: k must be an integer of 1 … 5, not 6'],
  ['invalid-option', () => topK(tensor([5]), { k: 1.5 }), 'not 1.5'],
  [
    'invalid-shape',
    () => crossEntropy(tensor([2, 5]), tensor([3], 'i32')),
    'cross-entropy: labels must be i32 [2], not i32 [3]',
  ],
  ['invalid-shape', () => crossEntropy(tensor([2, 5]), tensor([2])), 'labels must be i32 [2], not f32 [2]'],
  [
    'invalid-shape',
    () => rmsNorm(tensor([2, 4]), tensor([3]), { eps: 1e-5 }),
    'rms-norm: weight must have shape [4], not [3]',
  ],
  [
    'invalid-option',
    () => rmsNorm(tensor([2, 4]), undefined, { eps: -1 }),
    'rms-norm: eps must be 0 or positive, not -1',
  ],
  ['invalid-option', () => rmsNorm(tensor([2, 4]), undefined, { eps: Number.NaN }), 'not NaN'],
  [
    'invalid-shape',
    () => addRmsNorm(tensor([2, 4]), tensor([1, 4]), undefined, { eps: 1e-5 }),
    'add-rms-norm: residual must have shape [2, 4], not [1, 4]',
  ],
  [
    'invalid-shape',
    () => addRmsNorm(tensor([2, 4]), tensor([2, 4]), tensor([1, 4]), { eps: 1e-5 }),
    'add-rms-norm: weight must have shape [4]',
  ],
  [
    'invalid-shape',
    () => layerNorm(tensor([2, 4]), undefined, tensor([2]), { eps: 1e-5 }),
    'layer-norm: bias must have shape [4], not [2]',
  ],
  [
    'invalid-option',
    () => layerNorm(tensor([2, 4]), undefined, undefined, { eps: -1e-5 }),
    'layer-norm: eps must be 0 or positive',
  ],
  [
    'invalid-option',
    () => activation(tensor([2]), { kind: 'gelu' as ActivationKind }),
    'activation: kind must be one of silu, gelu-erf, gelu-tanh, quick-gelu, relu, relu2, tanh, sigmoid, not "gelu"',
  ],
  [
    'invalid-shape',
    () => gatedActivation(tensor([2, 3]), tensor([3]), { kind: 'silu' }),
    'gated-activation: up must have shape [2, 3], not [3]',
  ],
  [
    'invalid-option',
    () => gatedActivation(tensor([2]), tensor([2]), { kind: 'glu' as ActivationKind }),
    'gated-activation: kind must be one of',
  ],
  [
    'invalid-option',
    () => hadamard(tensor([2, 24]), { block: 12 }),
    'hadamard: block must be a power of two from 1 to 4096, not 12',
  ],
  ['invalid-option', () => hadamard(tensor([2, 24]), { block: 0 }), 'not 0'],
  ['invalid-option', () => hadamard(tensor([1, 8192]), { block: 8192 }), 'not 8192'],
  [
    'invalid-shape',
    () => hadamard(tensor([2, 24]), { block: 16 }),
    'hadamard: blocks of 16 do not divide the last axis of x [2, 24]',
  ],
  ['invalid-shape', () => hadamard(tensor([]), { block: 1 }), 'blocks of 1 do not divide the last axis of x []'],
  ['invalid-dtype', () => hadamard(tensor([8], 'f16'), { block: 8 }), 'hadamard: x must be f32, not f16'],
  [
    'invalid-shape',
    () => add(tensor([2, 3]), tensor([2])),
    'add: b [2] must have the shape of a [2, 3] or of its last axes',
  ],
  ['invalid-shape', () => add(tensor([3]), tensor([2, 3])), 'add: b [2, 3] must have the shape of a [3]'],
  ['invalid-dtype', () => multiply(tensor([2]), tensor([2], 'i32')), 'multiply: b must be f32, not i32'],
  [
    'invalid-option',
    () => scale(tensor([2]), { factor: Number.POSITIVE_INFINITY }),
    'scale: factor must be finite, not Infinity',
  ],
  [
    'invalid-shape',
    () => matmul(tensor([2, 3]), tensor([2, 3])),
    'matmul: a [2, 3] has 3 columns, b [2, 3] has 2 rows',
  ],
  [
    'invalid-shape',
    () => matmul(tensor([2, 3]), tensor([4, 2]), { transposeB: true }),
    'b [4, 2] (transposed) has 2 rows',
  ],
  [
    'invalid-shape',
    () => matmul(tensor([2, 2, 3]), tensor([3, 3, 4])),
    'matmul: the batch axes [3] of b must be those of a, [2], or none',
  ],
  [
    'invalid-shape',
    () => matmul(tensor([2, 3]), tensor([2, 3, 4])),
    'the batch axes [2] of b must be those of a, [], or none',
  ],
  ['invalid-shape', () => matmul(tensor([3]), tensor([3, 4])), 'matmul: a must have at least two axes, not [3]'],
  ['invalid-dtype', () => matmul(tensor([1, 2]), tensor([2, 3], 'i8')), 'matmul: b must be f32, f16 or bf16, not i8'],
  [
    'invalid-shape',
    () => linear(tensor([1, 3]), tensor([2, 4])),
    'linear: the last axis of x [1, 3] must equal the second of weight [2, 4]',
  ],
  [
    'invalid-shape',
    () => linear(tensor([1, 4]), tensor([2, 4]), { bias: tensor([4]) }),
    'linear: bias must have shape [2], not [4]',
  ],
  [
    'invalid-dtype',
    () => linear(tensor([1, 4]), tensor([2, 4]), { bias: tensor([2], 'f16') }),
    'linear: bias must be f32, not f16',
  ],
  [
    'invalid-shape',
    () => linear(tensor([1, 4]), tensor([2, 4]), { residual: tensor([1, 4]) }),
    'linear: residual must have shape [1, 2], not [1, 4]',
  ],
  [
    'invalid-option',
    () => linear(tensor([1, 4]), tensor([2, 4]), { activations: 'int4' as 'int8' }),
    'linear: activations must be one of f32, int8, int8-token, int8-static, int4-token, not "int4"',
  ],
  ['invalid-dtype', () => embedding(tensor([1]), tensor([2, 4])), 'embedding: ids must be i32, not f32'],
  ['invalid-shape', () => embedding(tensor([1], 'i32'), tensor([8])), 'embedding: weight must be [V, D], not [8]'],
  [
    'invalid-option',
    () => embedding(tensor([1], 'i32'), tensor([2, 4]), { scale: Number.NaN }),
    'embedding: scale must be finite, not NaN',
  ],
  ['invalid-shape', () => ropeInputs({ x: tensor([2, 1, 4]) }), 'rope: x must be [B, T, H, D], not [2, 1, 4]'],
  [
    'invalid-shape',
    () => ropeInputs({ positions: tensor([2], 'i32') }),
    'rope: positions must be i32 [1, 2], not i32 [2]',
  ],
  ['invalid-shape', () => ropeInputs({ cos: tensor([8, 3]) }), 'rope: cos and sin must both be [P, R/2] with R ≤ 4'],
  ['invalid-option', () => ropeInputs({}, 'llama'), 'rope: style must be one of neox, gptj, not "llama"'],
])('%s %#', ([code, call, message]) => {
  const found = thrown(call)
  expect(isTesseraError(found, code as 'invalid-shape'), String(found)).toBe(true)
  expect(String(found)).toContain(message)
})

test('a packed weight is refused where values are needed, and computed with where a weight is', async () => {
  const x = device.tensor(Float32Array.of(1, 1, 1, 1), [1, 4])
  expect(await device.read(linear(x, packed))).toEqual(Float32Array.of(10, 26))
  expect(await device.read(embedding(device.tensor(Int32Array.of(1), [1]), packed))).toEqual(
    Float32Array.of(5, 6, 7, 8),
  )
  expect(() => matmul(x, packed as unknown as Tensor)).toThrow(
    'matmul: b must be a dense tensor, not packed as bytes; unpack it first',
  )
})

function thrown(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  return new Error('nothing was thrown')
}

test('cost counts a multiplication and an addition for each product, and the bytes of every operand once', () => {
  const linearProblem = describeProblem(
    linearOp,
    { x: dense('f32', [2, 4]), weight: dense('f32', [3, 4]), bias: undefined, residual: undefined },
    {},
  )
  expect(linearOp.cost(linearProblem)).toEqual({ flops: 48, bytesRead: 80, bytesWritten: 24 })
  const matmulProblem = describeProblem(
    matmulOp,
    { a: dense('f16', [5, 2, 4]), b: dense('bf16', [3, 4]) },
    { transposeB: true },
  )
  expect(matmulOp.cost(matmulProblem)).toEqual({ flops: 240, bytesRead: 104, bytesWritten: 120 })
})
