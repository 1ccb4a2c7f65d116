export {
  gatedLinear,
  type GatedLinearInputs,
  gatedLinearOp,
  type GatedLinearOptions,
  type GatedLinearOutputs,
} from './contract.ts'
