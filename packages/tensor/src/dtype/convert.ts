import { TesseraError } from '../error/index.ts'
import { byteLengthOf, type DType, dtypes, type TypedArray } from './dtype.ts'
import { decodeBF16, decodeF16, encodeBF16, encodeF16 } from './float16.ts'
import { decodeFp8E4M3, decodeFp8E5M2, encodeFp8E4M3, encodeFp8E5M2 } from './float8.ts'

/** Reads `count` raw elements of `dtype` as float64 values. i64 beyond 2^53 loses precision. */
export function decodeElements(data: TypedArray, dtype: DType, count: number): Float64Array {
  const out = new Float64Array(count)
  if (dtype === 'i4' || dtype === 'u4') {
    for (let i = 0; i < count; i++) {
      const nibble = ((data[i >> 1] as number) >> ((i & 1) * 4)) & 15
      out[i] = dtype === 'i4' && nibble > 7 ? nibble - 16 : nibble
    }
    return out
  }
  const decode = decoders[dtype]
  for (let i = 0; i < count; i++) out[i] = decode ? decode(data[i] as number) : Number(data[i])
  return out
}

/**
 * Reads `count` raw elements of `dtype`, rounded to f32, as a new array. Exact for f32, f16 and bf16, and many times as
 * fast for them as `decodeElements`.
 */
export function decodeToF32(data: TypedArray, dtype: DType, count: number): Float32Array<ArrayBuffer> {
  if (dtype === 'f32') return new Float32Array((data as Float32Array).subarray(0, count))
  if (dtype !== 'f16' && dtype !== 'bf16') return new Float32Array(decodeElements(data, dtype, count))
  const out = new Float32Array(count)
  const bits = new Int32Array(out.buffer)
  if (dtype === 'bf16') {
    for (let i = 0; i < count; i++) bits[i] = (data[i] as number) << 16
    return out
  }
  for (let i = 0; i < count; i++) {
    const half = data[i] as number
    const magnitude = half & 0x7fff
    const sign = (half & 0x8000) << 16
    if (magnitude >= 0x7c00) {
      bits[i] = sign | 0x7f800000 | ((magnitude & 0x3ff) << 13)
    } else {
      // Shifted into f32 position, the exponent is too small by 112, subnormals included; the product is exact.
      bits[i] = sign | (magnitude << 13)
      out[i] = (out[i] as number) * 2 ** 112
    }
  }
  return out
}

/**
 * Writes float64 values as raw elements of `dtype`, rounding to nearest (ties to even); integers must already be
 * integral.
 */
export function encodeElements(values: ArrayLike<number>, dtype: DType): TypedArray {
  const count = values.length
  const out = new dtypes[dtype].array(dtype === 'i4' || dtype === 'u4' ? byteLengthOf(dtype, count) : count)
  if (out instanceof BigInt64Array) {
    for (let i = 0; i < count; i++) out[i] = BigInt(values[i] as number)
    return out
  }
  if (dtype === 'i4' || dtype === 'u4') {
    for (let i = 0; i < count; i++)
      out[i >> 1] = (out[i >> 1] as number) | (((values[i] as number) & 15) << ((i & 1) * 4))
    return out
  }
  const encode = encoders[dtype]
  for (let i = 0; i < count; i++) out[i] = encode ? encode(values[i] as number) : (values[i] as number)
  return out
}

/** A typed-array view of raw bytes; copies only when the bytes are not aligned to the element size. */
export function viewBytes(bytes: Uint8Array, dtype: DType): TypedArray {
  const { array } = dtypes[dtype]
  const size = array.BYTES_PER_ELEMENT
  if (bytes.byteLength % size !== 0) {
    throw new TesseraError(
      'invalid-shape',
      `tensor: ${bytes.byteLength} bytes are not a whole number of ${dtype} elements (${size} bytes each)`,
    )
  }
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice()
  return new array(aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / size)
}

/** The raw bytes under a typed array, without a copy. */
export function bytesOf(array: TypedArray): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
}

const decoders: Partial<Record<DType, (bits: number) => number>> = {
  f16: decodeF16,
  bf16: decodeBF16,
  fp8_e4m3: decodeFp8E4M3,
  fp8_e5m2: decodeFp8E5M2,
}

const encoders: Partial<Record<DType, (value: number) => number>> = {
  f16: encodeF16,
  bf16: encodeBF16,
  fp8_e4m3: encodeFp8E4M3,
  fp8_e5m2: encodeFp8E5M2,
}
