export { logSoftmax, logSoftmaxOp, softmax, type SoftmaxInputs, softmaxOp, type SoftmaxOutputs } from './contract.ts'
