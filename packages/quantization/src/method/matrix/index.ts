export { checkWeight, importanceOf, secondMomentOf, type WeightMatrix } from './weight-matrix.ts'
