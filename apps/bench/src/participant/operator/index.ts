export { measureOperator, type OperatorEngine } from './measure.ts'
