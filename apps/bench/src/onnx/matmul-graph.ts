import { blockSize, inputF32, int8Scale, weightF32, weightI8, weightScale, weightU4 } from '../workload/matmul-data.ts'
import type { MatmulWorkload } from '../workload/workload.ts'
import type { OnnxGraph, OnnxNode, OnnxTensor } from './encode.ts'

/** Accuracy level of MatMulNBits for int8 activations, for which it has fast kernels. */
const int8Activations = 4

/** `y` f32[M, N], the sum of the products of `x` f32[M, K] with each matrix. */
export function matmulGraph(workload: MatmulWorkload): OnnxGraph {
  const { m, n, k, matrices } = workload
  const products = Array.from({ length: matrices }, (_, matrix) =>
    productOf(workload, matrix, matrices === 1 ? 'y' : `y${matrix}`),
  )
  const sum: OnnxNode = {
    operator: 'Sum',
    domain: '',
    inputs: products.map(({ node }) => node.outputs[0] as string),
    outputs: ['y'],
    integers: {},
  }
  return {
    nodes: [...products.map(({ node }) => node), ...(matrices === 1 ? [] : [sum])],
    initializers: products.flatMap(({ initializers }) => initializers),
    inputs: [{ name: 'x', type: 'f32', shape: [m, k] }],
    outputs: [{ name: 'y', type: 'f32', shape: [m, n] }],
  }
}

export function matmulInput(workload: MatmulWorkload): Float32Array<ArrayBuffer> {
  const { m, k } = workload
  return Float32Array.from({ length: m * k }, (_, index) => inputF32(workload, Math.floor(index / k), index % k))
}

function productOf(
  workload: MatmulWorkload,
  matrix: number,
  output: string,
): { readonly node: OnnxNode; readonly initializers: readonly OnnxTensor[] } {
  const { kind, n, k } = workload
  const [weight, scale] = [`w${matrix}`, `s${matrix}`]
  if (kind === 'gemm-f32')
    return {
      node: { operator: 'MatMul', domain: '', inputs: ['x', weight], outputs: [output], integers: {} },
      initializers: [denseWeight(workload, matrix, weight)],
    }
  const domain = 'com.microsoft'
  if (kind === 'gemm-int8' || kind === 'gemm-4bit') {
    return {
      node: {
        operator: 'DynamicQuantizeMatMul',
        domain,
        inputs: ['x', weight, scale],
        outputs: [output],
        integers: {},
      },
      initializers: [
        denseWeight(workload, matrix, weight),
        { name: scale, type: 'f32', shape: [], bytes: new Uint8Array(Float32Array.of(int8Scale(workload)).buffer) },
      ],
    }
  }
  return {
    node: {
      operator: 'MatMulNBits',
      domain,
      inputs: ['x', weight, scale],
      outputs: [output],
      integers: { K: k, N: n, bits: 4, block_size: blockSize, accuracy_level: int8Activations },
    },
    initializers: [packedWeight(workload, matrix, weight), blockScales(workload, matrix, scale)],
  }
}

/** `[K, N]` in i8 or f32. */
function denseWeight(workload: MatmulWorkload, matrix: number, name: string): OnnxTensor {
  const { kind, n, k } = workload
  const isInt8 = kind !== 'gemm-f32'
  const values = isInt8 ? new Int8Array(k * n) : new Float32Array(k * n)
  const value = isInt8 ? weightI8 : weightF32
  for (let at = 0; at < k; at++)
    for (let column = 0; column < n; column++) values[at * n + column] = value(workload, matrix, at, column)
  return { name, type: isInt8 ? 'i8' : 'f32', shape: [k, n], bytes: new Uint8Array(values.buffer) }
}

/** `[N, K / 32, 16]`: the even element of a pair in the low half of its byte. Without zero points, 8 is subtracted. */
function packedWeight(workload: MatmulWorkload, matrix: number, name: string): OnnxTensor {
  const { n, k } = workload
  const bytes = new Uint8Array((n * k) / 2)
  for (let column = 0, at = 0; column < n; column++)
    for (let i = 0; i < k; i += 2)
      bytes[at++] = weightU4(workload, matrix, i, column) | (weightU4(workload, matrix, i + 1, column) << 4)
  return { name, type: 'u8', shape: [n, k / blockSize, blockSize / 2], bytes }
}

/** `[N · K / 32]` */
function blockScales(workload: MatmulWorkload, matrix: number, name: string): OnnxTensor {
  const blocks = workload.k / blockSize
  const values = Float32Array.from({ length: workload.n * blocks }, (_, index) =>
    weightScale(workload, matrix, index % blocks, Math.floor(index / blocks)),
  )
  return { name, type: 'f32', shape: [values.length], bytes: new Uint8Array(values.buffer) }
}
