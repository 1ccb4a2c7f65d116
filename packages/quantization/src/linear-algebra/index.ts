export { factorUpper } from './cholesky.ts'
export { createPlainMultiply } from './multiply.ts'
export { type Multiply, type Operand, rowMajor, transposed } from './operand.ts'
export { invertUpper, solveFactored, solveRight, solveRightTransposed } from './triangular.ts'
