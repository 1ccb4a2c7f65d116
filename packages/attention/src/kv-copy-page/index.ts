export { kvCopyPage, type KvCopyPageInputs, kvCopyPageOp, type KvCopyPageOptions } from './contract.ts'
