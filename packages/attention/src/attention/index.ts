export { alibiSlopes } from './alibi-slopes.ts'
export { attention, type AttentionCall, type AttentionInputs, attentionOp, type AttentionOptions, type AttentionOutputs, hiddenBias, type Layout } from './contract.ts'
export { type AttentionSizes, attentionSizes } from './sizes.ts'
