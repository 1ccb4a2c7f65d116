export { openOnnxMatmul, type OnnxRuntime } from './session.ts'
