import { argmaxOp, crossEntropyOp, logSoftmaxOp, softmaxOp, topKOp } from '@tessera-llm/kernels'
import { hash } from '../workload/matmul-data.ts'
import { onnx, operator } from './define.ts'
import { integers, large, values, vocabulary } from './inputs.ts'
import type { Operator } from './operator.ts'

const logits = [
  [1, vocabulary],
  [64, vocabulary],
]

/** Ops on the scores of a vocabulary. */
export const logitOperators: readonly Operator[] = [
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
]
