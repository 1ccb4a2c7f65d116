export { outputError } from './output-error.ts'
export { scaleStatistics } from './scale-statistics.ts'
export { checkGrid, checkSize, checkWeight, importanceOf, secondMomentOf, type WeightMatrix } from './weight-matrix.ts'
