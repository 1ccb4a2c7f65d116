export { argmax } from './argmax'
export { add, multiply, scale } from './elementwise'
export { embeddingBf16, embeddingF16, embeddingF32 } from './embedding'
export { gatedActivation } from './gated-activation'
export { layerNorm } from './layer-norm'
export { layTokens, linearBf16, linearF16, linearF32 } from './linear/linear'
export { matmul, matmulLeft } from './matmul'
export { addRmsNorm, rmsNorm } from './rms-norm'
export { rope } from './rope'
export { crossEntropy, logSoftmax, softmax } from './softmax'
export { topK } from './top-k'

// Not entries: see linear/panel.ts.
export { panelRow, panelTile } from './linear/panel'
