export { topK, type TopKInputs, topKOp, type TopKOptions, type TopKOutputs } from './contract.ts'
