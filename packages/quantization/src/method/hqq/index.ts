export { hqq, type HqqOptions, type HqqResult } from './hqq.ts'
