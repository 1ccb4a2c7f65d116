export { ropeAppend, type RopeAppendInputs, ropeAppendOp, type RopeAppendOptions } from './contract.ts'
