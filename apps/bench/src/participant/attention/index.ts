export { type AttentionEngine, attentionSample, measureAttention } from './measure.ts'
export { type AttentionAdapter, createAttentionParticipant, isAttention } from './serve-attention.ts'
