import { dequantize, quantize } from '@tessera-llm/quantization'

const values = Float32Array.from({ length: 2 * 32 }, (_, i) => i - 32)
const weight = quantize(values, [2, 32], 'q4_0') // one block of 32 weights a row: a scale in f16, then 32 codes of 4 bits
console.log(weight.bytes.byteLength, weight.bytes.subarray(0, 4))
console.log(dequantize(weight).subarray(0, 4)) // the largest weight of the row is exact, steps are an eighth of it
