export { type MatmulEngine, measureMatmul } from './measure.ts'
export { medianRate } from './rate.ts'
export { createMatmulParticipant, isMatmul, type MatmulAdapter, serveMatmul } from './serve-matmul.ts'
