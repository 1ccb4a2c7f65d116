export { openOnnxAttention } from './attention-graph.ts'
export { openOnnxMatmul, type OnnxRuntime } from './session.ts'
