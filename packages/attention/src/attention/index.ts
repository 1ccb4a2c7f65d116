export { attention, type AttentionInputs, attentionOp, type AttentionOptions, type AttentionOutputs, type AttentionSizes, attentionSizes, type Layout } from './contract.ts'
