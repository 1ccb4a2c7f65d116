export { bytesOf, decodeElements, decodeToF32, encodeElements, viewBytes } from './convert.ts'
export {
  byteLengthOf,
  type DType,
  type DTypeInfo,
  dtypeOfArray,
  dtypes,
  type TypedArray,
  type TypedArrayConstructor,
} from './dtype.ts'
export { decodeFp8E4M3, decodeFp8E5M2, encodeFp8E4M3, encodeFp8E5M2 } from './float8.ts'
export { decodeBF16, decodeF16, encodeBF16, encodeF16, roundHalfEven } from './float16.ts'
