export { backwardJoin } from './backward/key-gradients'
export { backwardTiles } from './backward/tiles'
export { backwardPlain } from './backward/plain'
export { backwardRows, backwardSinks } from './backward/rows'
export { decodeJoin, decodeSplits } from './decode/decode'
export { flash } from './prefill/flash'
export { gatherKeys } from './prefill/gather'
export { kvAppend } from './cache/append'
export { kvCopyPage } from './cache/copy-page'
export { kvPackGroups, kvStoreRecent, kvStoreRows } from './cache/store'
export { ropeAppend } from './cache/rope-append'
export { plainScores, plainSoftmax, plainValues } from './prefill/plain'

// Not kernel entries: exported so that they stay separate functions (see decode/score-tiles.ts).
export { quadScoresF16, tripleScoresF16 } from './decode/score-columns'
export { quadScoresF32 } from './decode/score-quads'
export { quadValuesF16, quadValuesF32, tripleValuesF16, tripleValuesF32 } from './decode/value-quads'
export { lineScoresF16, lineScoresF32, pairScoresF16, pairScoresF32, tripleScoresF32 } from './decode/score-tiles'
export { lineValuesF16, lineValuesF32, pairValuesF16, pairValuesF32 } from './decode/value-tiles'
export { gradientLine, largestOfLines, softmaxTile, weighKeys, weighLine } from './softmax'
export { addColumns, addRows, areFinite, layPanel, layRows, productTile } from './tiles'
export {
  oneBytes2,
  oneBytes4,
  oneBytes8,
  threeBytes2,
  threeBytes4,
  threeBytes8,
  twoBytes2,
  twoBytes4,
  twoBytes8,
} from './packed/byte-tiles'
export { foldOne, foldThree } from './packed/fold'
export { fourCodes8, lineCodes8, pairCodes8, tripleCodes8 } from './packed/group-tiles'
export { oneNarrow2, oneNarrow4, threeNarrow2, threeNarrow4, twoNarrow2, twoNarrow4 } from './packed/narrow-tiles'
export { oneRowBytes, threeRowBytes, twoRowBytes } from './packed/row-bytes'
export { roundLine, roundWeights } from './packed/rounding'
export { lineScoresI8, lineValuesI8, pairScoresI8, pairValuesI8, tripleValuesI8 } from './packed/int8-tiles'
