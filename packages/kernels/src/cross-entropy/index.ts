export { crossEntropy, type CrossEntropyInputs, crossEntropyOp, type CrossEntropyOutputs } from './contract.ts'
