export { encodeFp8, encodeGroupElement, encodeInt8, fp8Scale, groupParameters, int8Scale } from './codes.ts'
export { groupFormat, kvCodesOf, type KvFormat, kvWords, parseKvFormat, rowFormat } from './format.ts'
export {
  type GroupBits,
  type GroupLayout,
  groupLayout,
  groupSize,
  headerFields,
  type KvCodes,
  type RowLayout,
  rowLayout,
} from './layout.ts'
