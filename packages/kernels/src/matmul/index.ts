export {
  matmul,
  type MatmulInputs,
  matmulOp,
  type MatmulOptions,
  type MatmulOutputs,
  matmulSizes,
  type MatmulSizes,
} from './contract.ts'
