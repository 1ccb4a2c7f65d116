export { type CodebookGrid, type Grid, groupColumns, groupsPerRow, type IntegerGrid } from './grid.ts'
export { dequantizeMatrix, type QuantizedMatrix } from './quantized-matrix.ts'
export type { LinearStatistics } from './statistics.ts'
