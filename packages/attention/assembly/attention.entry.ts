export { decodeJoin, decodeSplits } from './decode'
export { flash } from './flash'
export { gatherKeys } from './gather'
export { kvAppend } from './kv-append'
export { plain } from './plain'

// Not entries: see decode-tiles.ts.
export { lineScoresF16, lineScoresF32, lineValuesF16, lineValuesF32, pairScoresF16, pairScoresF32, pairValuesF16, pairValuesF32 } from './decode-tiles'
export { largestOfLines, softmaxTile, weighLine } from './softmax'
export { addRows, areFinite, layPanel, layRows, productTile } from './tiles'
