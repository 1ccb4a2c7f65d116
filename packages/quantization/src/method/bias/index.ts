export { compensateBias } from './bias.ts'
