export type { KeyRotation } from './align-heads.ts'
export { type ConvertedHeads, type ConvertHeadsOptions, convertHeads, type HeadMoments } from './convert-heads.ts'
export type { HeadWeights, ProjectionWeights } from './head-weights.ts'
export { createMomentSum, type MomentSum } from './moment-sum.ts'
