export { linear, type LinearInputs, linearOp, type LinearOptions, type LinearOutputs } from './contract.ts'
export {
  activationBlock,
  type Activations,
  linearActivations,
  type Rounding,
  type RoundingOptions,
  roundingOf,
  roundInput,
} from './activations.ts'
