export { attentionTraffic } from './attention-traffic.ts'
export { writeAttentionScene } from './attention.ts'
export { type CacheLoss, writeContextScene } from './context.ts'
export { mergeReports } from './merge.ts'
