export { scale, type ScaleInputs, scaleOp, type ScaleOptions, type ScaleOutputs } from './contract.ts'
