import { TesseraError } from '../error/index.ts'

/** Element types, spelled as in WGSL and safetensors. `i4`/`u4` are packed two to a byte, low nibble first. */
export type DType =
  | 'f64'
  | 'f32'
  | 'f16'
  | 'bf16'
  | 'fp8_e4m3'
  | 'fp8_e5m2'
  | 'i64'
  | 'i32'
  | 'i8'
  | 'i4'
  | 'u32'
  | 'u8'
  | 'u4'
  | 'bool'

/** Typed arrays that hold raw elements. */
export type TypedArray =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | Int32Array
  | Uint32Array
  | Uint16Array
  | Int8Array
  | Uint8Array

/** Properties of a dtype. */
export interface DTypeInfo {
  readonly bits: number
  readonly kind: 'float' | 'int' | 'uint' | 'bool'
  /**
   * The typed array that holds this dtype's raw bits: f16 and bf16 are `Uint16Array`, 4- and 8-bit floats `Uint8Array`.
   */
  readonly array: TypedArrayConstructor
  /** Distance from 1 to the next larger value; 0 for integers. */
  readonly epsilon: number
}

/** Constructor of the typed array that stores a dtype's elements. */
export type TypedArrayConstructor =
  | Float64ArrayConstructor
  | Float32ArrayConstructor
  | BigInt64ArrayConstructor
  | Int32ArrayConstructor
  | Uint32ArrayConstructor
  | Uint16ArrayConstructor
  | Int8ArrayConstructor
  | Uint8ArrayConstructor

/** Properties of all dtypes. */
export const dtypes: Readonly<Record<DType, DTypeInfo>> = {
  f64: { bits: 64, kind: 'float', array: Float64Array, epsilon: 2 ** -52 },
  f32: { bits: 32, kind: 'float', array: Float32Array, epsilon: 2 ** -23 },
  f16: { bits: 16, kind: 'float', array: Uint16Array, epsilon: 2 ** -10 },
  bf16: { bits: 16, kind: 'float', array: Uint16Array, epsilon: 2 ** -7 },
  fp8_e4m3: { bits: 8, kind: 'float', array: Uint8Array, epsilon: 2 ** -3 },
  fp8_e5m2: { bits: 8, kind: 'float', array: Uint8Array, epsilon: 2 ** -2 },
  i64: { bits: 64, kind: 'int', array: BigInt64Array, epsilon: 0 },
  i32: { bits: 32, kind: 'int', array: Int32Array, epsilon: 0 },
  i8: { bits: 8, kind: 'int', array: Int8Array, epsilon: 0 },
  i4: { bits: 4, kind: 'int', array: Uint8Array, epsilon: 0 },
  u32: { bits: 32, kind: 'uint', array: Uint32Array, epsilon: 0 },
  u8: { bits: 8, kind: 'uint', array: Uint8Array, epsilon: 0 },
  u4: { bits: 4, kind: 'uint', array: Uint8Array, epsilon: 0 },
  bool: { bits: 8, kind: 'bool', array: Uint8Array, epsilon: 0 },
}

/** Bytes that `count` elements of `dtype` take; 4-bit counts round up to a whole byte. */
export function byteLengthOf(dtype: DType, count: number): number {
  return Math.ceil((dtypes[dtype].bits * count) / 8)
}

/** Dtype implied by a typed array's class. A `Uint16Array` implies none and needs an explicit dtype. */
export function dtypeOfArray(array: TypedArray): DType {
  if (array instanceof Float32Array) return 'f32'
  if (array instanceof Float64Array) return 'f64'
  if (array instanceof Int32Array) return 'i32'
  if (array instanceof Uint32Array) return 'u32'
  if (array instanceof Int8Array) return 'i8'
  if (array instanceof Uint8Array) return 'u8'
  if (array instanceof BigInt64Array) return 'i64'
  throw new TesseraError('invalid-dtype', 'tensor: a Uint16Array may hold f16 or bf16; pass the dtype explicitly')
}
