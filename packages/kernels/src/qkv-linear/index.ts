export {
  qkvLinear,
  type QkvLinearInputs,
  qkvLinearOp,
  type QkvLinearOptions,
  type QkvLinearOutputs,
} from './contract.ts'
