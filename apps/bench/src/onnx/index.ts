export { openOnnxAttention } from './attention-graph.ts'
export { openOnnxEncoder, type OnnxEncoderFiles } from './encoder-session.ts'
export { openOnnxOperator } from './operator-graph.ts'
export { openOnnxMatmul, type OnnxRuntime } from './session.ts'
