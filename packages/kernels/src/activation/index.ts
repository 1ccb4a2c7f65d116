export {
  activation,
  type ActivationInputs,
  activationOp,
  type ActivationOptions,
  type ActivationOutputs,
} from './contract.ts'
export { type ActivationKind, activationKinds } from './functions.ts'
