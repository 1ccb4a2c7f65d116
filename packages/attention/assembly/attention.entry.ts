export { decodeJoin, decodeSplits } from './decode'
export { flash } from './flash'
export { kvAppend } from './kv-append'
export { plain } from './plain'
