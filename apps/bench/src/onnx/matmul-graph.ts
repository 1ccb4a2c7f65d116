import { blockSize, inputF32, inputU8, weightF32, weightI8, weightScale, weightU4 } from '../workload/matmul-data.ts'
import type { MatmulWorkload } from '../workload/workload.ts'
import type { OnnxGraph, OnnxNode, OnnxTensor } from './encode.ts'

/** The activations of MatMulNBits in int8, as the workload says; 0 would leave the choice to the library. */
const int8Activations = 4

/** One node and one output a matrix, all of the one input `x`. */
export function matmulGraph(workload: MatmulWorkload): OnnxGraph {
  const { kind, m, n, k, matrices } = workload
  const products = Array.from({ length: matrices }, (_, matrix) => productOf(workload, matrix))
  return {
    nodes: products.map(({ node }) => node),
    initializers: products.flatMap(({ initializers }) => initializers),
    inputs: [{ name: 'x', type: kind === 'gemm-int8' ? 'u8' : 'f32', shape: [m, k] }],
    outputs: products.map(({ node }) => ({ name: node.outputs[0] as string, type: kind === 'gemm-int8' ? 'i32' : 'f32', shape: [m, n] })),
  }
}

export const outputName = (matrix: number): string => `y${matrix}`

export function matmulInput(workload: MatmulWorkload): Float32Array<ArrayBuffer> | Uint8Array<ArrayBuffer> {
  const { kind, m, k } = workload
  const out = kind === 'gemm-int8' ? new Uint8Array(m * k) : new Float32Array(m * k)
  const value = kind === 'gemm-int8' ? inputU8 : inputF32
  for (let row = 0; row < m; row++) for (let at = 0; at < k; at++) out[row * k + at] = value(workload, row, at)
  return out
}

function productOf(workload: MatmulWorkload, matrix: number): { readonly node: OnnxNode; readonly initializers: readonly OnnxTensor[] } {
  const { kind, n, k } = workload
  const weight = `w${matrix}`
  const outputs = [outputName(matrix)]
  if (kind === 'gemv-4bit') {
    const scales = `s${matrix}`
    return {
      node: { operator: 'MatMulNBits', domain: 'com.microsoft', inputs: ['x', weight, scales], outputs, integers: { K: k, N: n, bits: 4, block_size: blockSize, accuracy_level: int8Activations } },
      initializers: [packedWeight(workload, matrix, weight), scalesOf(workload, matrix, scales)],
    }
  }
  const values = kind === 'gemm-int8' ? new Int8Array(k * n) : new Float32Array(k * n)
  const value = kind === 'gemm-int8' ? weightI8 : weightF32
  for (let at = 0; at < k; at++) for (let column = 0; column < n; column++) values[at * n + column] = value(workload, matrix, at, column)
  return {
    node: { operator: kind === 'gemm-int8' ? 'MatMulInteger' : 'MatMul', domain: '', inputs: ['x', weight], outputs, integers: {} },
    initializers: [{ name: weight, type: kind === 'gemm-int8' ? 'i8' : 'f32', shape: [k, n], bytes: new Uint8Array(values.buffer) }],
  }
}

/** `[N, K / 32, 16]`: the even element of a pair in the low half of its byte. Without zero points, 8 is subtracted. */
function packedWeight(workload: MatmulWorkload, matrix: number, name: string): OnnxTensor {
  const { n, k } = workload
  const bytes = new Uint8Array((n * k) / 2)
  for (let column = 0, at = 0; column < n; column++) for (let i = 0; i < k; i += 2) bytes[at++] = weightU4(workload, matrix, i, column) | (weightU4(workload, matrix, i + 1, column) << 4)
  return { name, type: 'u8', shape: [n, k / blockSize, blockSize / 2], bytes }
}

function scalesOf(workload: MatmulWorkload, matrix: number, name: string): OnnxTensor {
  const { n, k } = workload
  const blocks = k / blockSize
  const values = Float32Array.from({ length: n * blocks }, (_, index) => weightScale(workload, matrix, index % blocks, Math.floor(index / blocks)))
  return { name, type: 'f32', shape: [n * blocks], bytes: new Uint8Array(values.buffer) }
}
