import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { linear } from '@tessera-llm/kernels'
import { ggmlPackers, type Grid, joinParts, packMatrix, rows8GridPacker } from '@tessera-llm/quantization'
import { quantizationWasm } from '@tessera-llm/quantization/wasm'
import { type Device, type Tensor, TesseraError, type Weight } from '@tessera-llm/tensor'
import { createWasmDevice } from '@tessera-llm/wasm'
import type { MatmulEngine } from '../participant/matmul/index.ts'
import {
  answerElements,
  blockSize,
  inputF32,
  int8Scale,
  type MatmulWorkload,
  weightF32,
  weightI8,
  weightScale,
  weightU4,
} from '../workload/index.ts'

/** Each product adds the previous one, as the operator's `residual`. */
export async function openTesseraMatmul(workload: MatmulWorkload): Promise<MatmulEngine> {
  const { m, n, k, matrices, kind, threads } = workload
  const device = await createWasmDevice({ kernels: [...kernelsWasm, ...quantizationWasm], threads })
  const weights = Array.from({ length: matrices }, (_, matrix) => weightOf(device, workload, matrix))
  const input = Float32Array.from({ length: m * k }, (_, index) => inputF32(workload, Math.floor(index / k), index % k))
  const x = device.tensor(input, [m, k])
  const plan = device.capture(() => {
    let sum: Tensor | undefined
    for (const weight of weights) sum = linear(x, weight, { activations: activations[kind], residual: sum })
    if (!sum) throw new TesseraError('invalid-option', 'bench: a workload needs a matrix')
    return sum
  })
  const output = new Float32Array(m * n)
  // `read` would allocate a new array each time, whose pages the system has to clear: a tenth of a product.
  const compute = async (): Promise<ArrayLike<number>> => {
    device.write(x, input)
    plan.replay()
    await device.synchronize()
    const view = device.hostView(plan.result)
    if (!view) throw new TesseraError('unsupported', 'bench: the result cannot be copied into an array of the caller')
    output.set(new Float32Array(view.buffer, view.byteOffset, output.length))
    return output
  }
  return {
    async run() {
      await compute()
    },
    async answer() {
      const y = await compute()
      return answerElements(workload).map(([row, column]) => y[row * n + column] as number)
    },
    async close() {
      await device.dispose()
    },
  }
}

/** Peers round the input of `gemm-int8` with one scale, MatMulNBits in blocks. */
const activations = { 'gemm-f32': 'f32', 'gemm-int8': 'int8-token', 'gemm-4bit': 'int8', 'gemv-4bit': 'int8' } as const

function weightOf(device: Device, workload: MatmulWorkload, matrix: number): Weight {
  const { kind, n, k } = workload
  if (kind === 'gemm-f32') {
    return device.tensor(
      Float32Array.from({ length: n * k }, (_, index) => weightF32(workload, matrix, index % k, Math.floor(index / k))),
      [n, k],
    )
  }
  if (kind === 'gemm-int8') return int8Weight(device, workload, matrix)
  const packer = ggmlPackers.find((candidate) => candidate.source === 'q4_0' && candidate.device === 'wasm')
  if (!packer) throw new TesseraError('missing-kernel', 'bench: no packer for q4_0 on wasm')
  return device.pack(packer.format, [n, k], packer.pack(blocksOfQ40(workload, matrix), [n, k]))
}

/** 8 bits with one scale a row. */
function int8Weight(device: Device, workload: MatmulWorkload, matrix: number): Weight {
  const { n, k } = workload
  const grid: Grid = { kind: 'integer', bits: 8, group: 'row', isSymmetric: true, scaleType: 'f32' }
  const codes = Uint8Array.from(
    { length: n * k },
    (_, index) => weightI8(workload, matrix, index % k, Math.floor(index / k)) + 128,
  )
  const { format, parts } = packMatrix({
    shape: [n, k],
    grid,
    codes,
    scales: new Float32Array(n).fill(int8Scale(workload)),
  })
  const packer = rows8GridPacker(format)
  return device.pack(packer.format, [n, k], packer.pack(joinParts(format, parts, [n, k]), [n, k]))
}

/** Rows of blocks `{ f16 scale, u4[32] }`: elements 0 … 15 in the low nibbles, 16 … 31 in the high ones. */
function blocksOfQ40(workload: MatmulWorkload, matrix: number): Uint8Array {
  return blocks(workload, 18, (view, at, column, k) => {
    view.setUint16(at, f16OfExact(weightScale(workload, matrix, k / blockSize, column)), true)
    for (let i = 0; i < 16; i++)
      view.setUint8(
        at + 2 + i,
        weightU4(workload, matrix, k + i, column) | (weightU4(workload, matrix, k + i + 16, column) << 4),
      )
  })
}

function blocks(
  { n, k }: MatmulWorkload,
  blockBytes: number,
  write: (view: DataView, at: number, column: number, k: number) => void,
): Uint8Array {
  const bytes = new Uint8Array((n * k * blockBytes) / blockSize)
  const view = new DataView(bytes.buffer)
  for (let column = 0, at = 0; column < n; column++)
    for (let i = 0; i < k; i += blockSize, at += blockBytes) write(view, at, column, i)
  return bytes
}

/** Bits of a normal f16 equal to `value`. */
function f16OfExact(value: number): number {
  const exponent = Math.floor(Math.log2(value))
  return ((exponent + 15) << 10) | ((value / 2 ** exponent - 1) * 1024)
}
