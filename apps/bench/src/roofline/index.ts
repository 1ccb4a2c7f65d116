export { measureRoof, type Roof } from './measure.ts'
export { answerAsWorker } from './worker.ts'
