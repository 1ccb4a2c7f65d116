export { backwardJoin, backwardTiles } from './backward'
export { backwardPlain } from './backward-plain'
export { backwardRows, backwardSinks } from './backward-rows'
export { decodeJoin, decodeSplits } from './decode'
export { flash } from './flash'
export { gatherKeys } from './gather'
export { kvAppend } from './kv-append'
export { kvCopyPage } from './kv-copy-page'
export { kvPackGroups, kvStoreRecent, kvStoreRows } from './kv-store'
export { ropeAppend } from './rope-append'
export { plainScores, plainSoftmax, plainValues } from './plain'

// Not kernel entries: exported so that they stay separate functions (see decode-tiles.ts).
export {
  quadScoresF16,
  quadScoresF32,
  quadValuesF16,
  quadValuesF32,
  tripleScoresF16,
  tripleValuesF16,
  tripleValuesF32,
} from './decode-quads'
export {
  lineScoresF16,
  lineScoresF32,
  lineValuesF16,
  lineValuesF32,
  pairScoresF16,
  pairScoresF32,
  pairValuesF16,
  pairValuesF32,
  tripleScoresF32,
} from './decode-tiles'
export { gradientLine, largestOfLines, softmaxTile, weighKeys, weighLine } from './softmax'
export { addColumns, addRows, areFinite, layPanel, layRows, productTile } from './tiles'
export { fourCodes8, lineCodes8, pairCodes8, tripleCodes8 } from './group-tiles'
export { lineCodes2, lineCodes4, pairCodes2, pairCodes4, tripleCodes2, tripleCodes4 } from './group-tiles-narrow'
export { lineScoresI8, lineValuesI8, pairScoresI8, pairValuesI8, tripleValuesI8 } from './packed-tiles'
