export { randomBlocks } from './blocks.ts'
export {
  grids,
  gridEmbeddingProblems,
  gridLinearProblems,
  gridWeight,
  int8RowProblems,
  int8Rows,
  isRounded,
  randomMatrix,
  tableGrids,
  wholeGrids,
} from './grids.ts'
export {
  extremeLinearProblems,
  packedEmbeddingProblems,
  packedGatedProblems,
  packedLinearProblems,
  packedQkvProblems,
  packRows8Problems,
} from './packed.ts'
