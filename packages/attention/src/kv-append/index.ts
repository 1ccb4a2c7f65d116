export { type KvAppendInputs, kvAppend, kvAppendOp } from './contract.ts'
