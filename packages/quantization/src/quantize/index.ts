export { dequantize, quantize, type QuantizedTensor } from './quantize.ts'
