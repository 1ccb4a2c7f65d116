import { kernelsWasm } from '@tessera-llm/kernels/wasm'
import { linear } from '@tessera-llm/kernels'
import { ggmlPackers } from '@tessera-llm/quantization'
import { quantizationWasm } from '@tessera-llm/quantization/wasm'
import { type Device, type Tensor, TesseraError, type Weight } from '@tessera-llm/tensor'
import { createWasmDevice } from '@tessera-llm/wasm'
import type { MatmulEngine } from '../participant/matmul/index.ts'
import { answerElements, blockSize, inputF32, int8Scale, type MatmulWorkload, weightF32, weightI8, weightScale, weightU4 } from '../workload/index.ts'

/** Each product adds to the one before, as the operator's `residual`. */
export async function openTesseraMatmul(workload: MatmulWorkload): Promise<MatmulEngine> {
  const { m, n, k, matrices, kind, threads } = workload
  const device = await createWasmDevice({ kernels: [...kernelsWasm, ...quantizationWasm], threads })
  const weights = Array.from({ length: matrices }, (_, matrix) => weightOf(device, workload, matrix))
  const input = Float32Array.from({ length: m * k }, (_, index) => inputF32(workload, Math.floor(index / k), index % k))
  const x = device.tensor(input, [m, k])
  const plan = device.capture(() => {
    let sum: Tensor | undefined
    for (const weight of weights) sum = linear(x, weight, { activations: kind === 'gemm-f32' ? 'f32' : 'int8', residual: sum })
    if (!sum) throw new TesseraError('invalid-option', 'bench: a workload needs a matrix')
    return sum
  })
  const compute = async (): Promise<ArrayLike<number>> => {
    device.write(x, input)
    plan.replay()
    return (await device.read(plan.result)) as Float32Array
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

function weightOf(device: Device, workload: MatmulWorkload, matrix: number): Weight {
  const { kind, n, k } = workload
  if (kind === 'gemm-f32') {
    return device.tensor(Float32Array.from({ length: n * k }, (_, index) => weightF32(workload, matrix, index % k, Math.floor(index / k))), [n, k])
  }
  const source = kind === 'gemm-int8' ? 'q8_0' : 'q4_0'
  const packer = ggmlPackers.find((candidate) => candidate.source === source && candidate.device === 'wasm')
  if (!packer) throw new TesseraError('missing-kernel', `bench: no packer for ${source} on wasm`)
  return device.pack(packer.format, [n, k], packer.pack(kind === 'gemm-int8' ? blocksOfQ80(workload, matrix) : blocksOfQ40(workload, matrix), [n, k]))
}

/** Rows of blocks `{ f16 scale, i8[32] }`. */
function blocksOfQ80(workload: MatmulWorkload, matrix: number): Uint8Array {
  return blocks(workload, 34, (view, at, column, k) => {
    view.setUint16(at, f16OfExact(int8Scale), true)
    for (let i = 0; i < blockSize; i++) view.setInt8(at + 2 + i, weightI8(workload, matrix, k + i, column))
  })
}

/** Rows of blocks `{ f16 scale, u4[32] }`: elements 0 … 15 in the low halves, 16 … 31 in the high ones. */
function blocksOfQ40(workload: MatmulWorkload, matrix: number): Uint8Array {
  return blocks(workload, 18, (view, at, column, k) => {
    view.setUint16(at, f16OfExact(weightScale(workload, matrix, k / blockSize, column)), true)
    for (let i = 0; i < 16; i++) view.setUint8(at + 2 + i, weightU4(workload, matrix, k + i, column) | (weightU4(workload, matrix, k + i + 16, column) << 4))
  })
}

function blocks({ n, k }: MatmulWorkload, blockBytes: number, write: (view: DataView, at: number, column: number, k: number) => void): Uint8Array {
  const bytes = new Uint8Array((n * k * blockBytes) / blockSize)
  const view = new DataView(bytes.buffer)
  for (let column = 0, at = 0; column < n; column++) for (let i = 0; i < k; i += blockSize, at += blockBytes) write(view, at, column, i)
  return bytes
}

/** Bits of a normal f16 that holds `value` exactly. */
function f16OfExact(value: number): number {
  const exponent = Math.floor(Math.log2(value))
  return ((exponent + 15) << 10) | ((value / 2 ** exponent - 1) * 1024)
}
