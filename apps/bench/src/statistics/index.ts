export { pairedRatio, quantile, summarize, type Summary } from './statistics.ts'
