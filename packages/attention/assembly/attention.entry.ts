export { decodeJoin, decodeSplits } from './decode'
export { flash } from './flash'
export { kvAppend } from './kv-append'
export { plain } from './plain'

// Not entries, but exported so that they stay functions of their own: engines allocate registers for one function at a time, and
// these loops need all of them.
export { lineScoresF16, lineScoresF32, lineValuesF16, lineValuesF32, pairScoresF16, pairScoresF32, pairValuesF16, pairValuesF32 } from './decode'
export { addTile, scoreTile } from './flash'
