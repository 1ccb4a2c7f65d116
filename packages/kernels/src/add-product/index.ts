export { addProduct, type AddProductInputs, addProductOp, type AddProductOptions } from './contract.ts'
