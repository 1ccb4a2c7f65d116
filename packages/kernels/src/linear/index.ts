export { type Activations, linear, type LinearInputs, linearOp, type LinearOptions, type LinearOutputs } from './contract.ts'
export { activationBlock, roundToBlocks } from './activations.ts'
