export {
  gatedActivation,
  type GatedActivationInputs,
  gatedActivationOp,
  type GatedActivationOptions,
  type GatedActivationOutputs,
} from './contract.ts'
