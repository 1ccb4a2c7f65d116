import { dequantizeMatrix, gptq, type LinearStatistics, outputError, rtn } from '@tessera-llm/quantization'
import { createWasmGptqKernel, createWasmMultiply } from '@tessera-llm/quantization/wasm'

// A layer of 64 inputs and 32 outputs, and the second moment Σ x·xᵀ of inputs that go up and down together.
const weight = { values: Float32Array.from({ length: 32 * 64 }, (_, i) => Math.sin(i * i)), shape: [32, 64] as const }
const secondMoment = Float32Array.from(
  { length: 64 * 64 },
  (_, i) => 1000 * 0.9 ** Math.abs((i % 64) - Math.floor(i / 64)),
)
const statistics: LinearStatistics = { columns: 64, count: 1000, secondMoment }

const grid = { kind: 'integer', bits: 3, group: 32, isSymmetric: false, scaleType: 'f16' } as const
const multiply = await createWasmMultiply()
const nearest = rtn(weight, grid)
const calibrated = gptq(weight, statistics, grid, { multiply, kernel: await createWasmGptqKernel(64) })
for (const matrix of [nearest, calibrated.matrix]) {
  const { error, energy } = outputError(weight, dequantizeMatrix(matrix), statistics, multiply)
  console.log(`${((100 * error) / energy).toFixed(2)} % of the outputs' energy is lost`)
}
