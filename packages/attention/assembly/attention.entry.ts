export { backwardJoin, backwardTiles } from './backward'
export { backwardPlain } from './backward-plain'
export { backwardRows, backwardSinks } from './backward-rows'
export { decodeJoin, decodeSplits } from './decode'
export { flash } from './flash'
export { gatherKeys } from './gather'
export { kvAppend } from './kv-append'
export { plain } from './plain'

// Not entries: see decode-tiles.ts.
export { lineScoresF16, lineScoresF32, lineValuesF16, lineValuesF32, pairScoresF16, pairScoresF32, pairValuesF16, pairValuesF32 } from './decode-tiles'
export { gradientLine, largestOfLines, softmaxTile, weighLine } from './softmax'
export { addColumns, addRows, areFinite, layPanel, layRows, productTile } from './tiles'
