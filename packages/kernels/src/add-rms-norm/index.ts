export { addRmsNorm, type AddRmsNormInputs, addRmsNormOp, type AddRmsNormOutputs } from './contract.ts'
