export { attentionTraffic } from './attention-traffic.ts'
export { writeAttentionScene } from './attention.ts'
export { mergeReports } from './merge.ts'
