export { failureOf } from './failure.ts'
