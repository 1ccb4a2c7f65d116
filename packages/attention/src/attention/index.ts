export { alibiSlopes } from './alibi-slopes.ts'
export {
  attention,
  type AttentionCall,
  type AttentionInputs,
  attentionOp,
  type AttentionOptions,
  type AttentionOutputs,
  type Layout,
} from './contract.ts'
export { hiddenBias } from './hidden-bias.ts'
export { type AttentionSizes, attentionSizes } from './sizes.ts'
