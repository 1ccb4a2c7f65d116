export { multiply, type MultiplyInputs, multiplyOp, type MultiplyOutputs } from './contract.ts'
