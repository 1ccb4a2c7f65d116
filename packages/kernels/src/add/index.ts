export { add, type AddInputs, addOp, type AddOutputs } from './contract.ts'
