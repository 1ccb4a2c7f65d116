export {
  costOfOperator,
  type OnnxNodeSpec,
  type OnnxSpec,
  type Operator,
  type OperatorInput,
  probesOfOutput,
} from './operator.ts'
export { operatorOf, operators } from './table.ts'
export { problemOfOperator } from './check.ts'
