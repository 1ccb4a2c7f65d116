export { argmax, type ArgmaxInputs, argmaxOp, type ArgmaxOutputs } from './contract.ts'
