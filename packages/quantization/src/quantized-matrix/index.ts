export { codeWordsOf, matrixOfWords, packCodeWords } from './code-words.ts'
export { type CodebookId, codebookGrid, codebookValues, normalGrid } from './codebooks.ts'
export {
  codeBits,
  type CodebookGrid,
  type Grid,
  groupColumns,
  groupsPerRow,
  type IntegerGrid,
  scaleCount,
  type ScaleType,
} from './grid.ts'
export { checkMatrix, dequantizeMatrix, type QuantizedMatrix } from './quantized-matrix.ts'
export type { LinearStatistics } from './statistics.ts'
