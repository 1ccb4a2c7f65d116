export { type BlockWeight, type CompressedWeight, decodeWeight, type MatrixWeight } from './compressed-weight.ts'
export { gridOf, integerGrid } from './grid-of.ts'
export {
  isSupported,
  needsSecondMoment,
  needsStatistics,
  quantizeBlocks,
  type QuantizedWeight,
  quantizeWeight,
  roundsBlocks,
  type Solver,
} from './quantize-weight.ts'
