export {
  attentionBackward,
  type AttentionBackwardCall,
  type AttentionBackwardInputs,
  attentionBackwardOp,
  type AttentionBackwardOutputs,
} from './contract.ts'
