export { rmsNorm, type RmsNormInputs, rmsNormOp, type RmsNormOptions, type RmsNormOutputs } from './contract.ts'
