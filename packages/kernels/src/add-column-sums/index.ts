export { addColumnSums, type AddColumnSumsInputs, addColumnSumsOp } from './contract.ts'
