import { expect, test } from 'vitest'
import {
  byteLengthOf,
  bytesOf,
  decodeElements,
  decodeToF32,
  type DType,
  dtypeOfArray,
  dtypes,
  encodeElements,
  viewBytes,
} from './index.ts'

test('epsilon is the distance from 1 to the next value of the dtype', () => {
  for (const [dtype, { kind, epsilon, bits }] of Object.entries(dtypes)) {
    if (kind !== 'float') expect(epsilon, dtype).toBe(0)
    else if (dtype !== 'f64' && dtype !== 'f32') {
      const code = Number(encodeElements([1], dtype as DType)[0]) + 1
      const next = bits === 8 ? Uint8Array.of(code) : Uint16Array.of(code)
      expect(decodeElements(next, dtype as DType, 1)[0], dtype).toBe(1 + epsilon)
    }
  }
  expect(Math.fround(1 + dtypes.f32.epsilon)).toBe(1 + dtypes.f32.epsilon)
  expect(Math.fround(1 + dtypes.f32.epsilon / 2)).toBe(1)
  expect(dtypes.f64.epsilon).toBe(Number.EPSILON)
})

test.for<[DType, number, number]>([
  ['f64', 3, 24],
  ['f16', 3, 6],
  ['i64', 2, 16],
  ['i4', 3, 2],
  ['u4', 4, 2],
  ['bool', 5, 5],
  ['f32', 0, 0],
])('%s: %d elements take %d bytes', ([dtype, count, bytes]) => {
  expect(byteLengthOf(dtype, count)).toBe(bytes)
})

test.for<[DType, readonly number[]]>([
  ['f64', [1 / 3, -1e300]],
  ['f32', [0.5, -3]],
  ['i64', [-(2 ** 53), 7]],
  ['i32', [-(2 ** 31), 2 ** 31 - 1]],
  ['u32', [2 ** 32 - 1, 0]],
  ['i8', [-128, 127]],
  ['u8', [255, 0]],
  ['bool', [1, 0]],
  ['f16', [1.5, -65504]],
  ['bf16', [1.5, -2]],
  ['fp8_e4m3', [448, -0.5]],
  ['fp8_e5m2', [57344, -0.25]],
  ['i4', [-8, 7, -1]],
  ['u4', [15, 0, 9]],
])('%s values survive encoding', ([dtype, values]) => {
  const encoded = encodeElements(values, dtype)
  expect(encoded).toBeInstanceOf(dtypes[dtype].array)
  expect(encoded.byteLength).toBe(byteLengthOf(dtype, values.length))
  expect([...decodeElements(encoded, dtype, values.length)]).toEqual(values)
})

test('4-bit elements lie two to a byte, the first in the low nibble', () => {
  expect(encodeElements([1, 2, 3], 'u4')).toEqual(Uint8Array.of(0x21, 0x03))
  expect(encodeElements([-1, 1], 'i4')).toEqual(Uint8Array.of(0x1f))
})

test('the dtype follows from a typed array, except for 16-bit words', () => {
  const arrays = [
    new Float32Array(1),
    new Float64Array(1),
    new Int32Array(1),
    new Uint32Array(1),
    new Int8Array(1),
    new Uint8Array(1),
    new BigInt64Array(1),
  ]
  expect(arrays.map(dtypeOfArray)).toEqual(['f32', 'f64', 'i32', 'u32', 'i8', 'u8', 'i64'])
  expect(() => dtypeOfArray(new Uint16Array(1))).toThrow(
    'a Uint16Array may hold f16 or bf16; pass the dtype explicitly',
  )
})

test('bytes are viewed in place where they are aligned, and copied where not', () => {
  const buffer = new ArrayBuffer(12)
  new DataView(buffer).setFloat32(4, 1.5, true)
  const aligned = viewBytes(new Uint8Array(buffer, 4, 4), 'f32')
  expect(aligned).toEqual(Float32Array.of(1.5))
  expect(aligned.buffer).toBe(buffer)
  new Uint8Array(buffer, 1).set(new Uint8Array(Float32Array.of(2.5).buffer))
  const copied = viewBytes(new Uint8Array(buffer, 1, 4), 'f32')
  expect(copied).toEqual(Float32Array.of(2.5))
  expect(copied.buffer).not.toBe(buffer)
  expect(() => viewBytes(new Uint8Array(5), 'f32')).toThrow('5 bytes are not a whole number of f32 elements')
})

test('bytesOf shares the memory of a view', () => {
  const words = Uint16Array.of(0, 0x0201, 0)
  const bytes = bytesOf(words.subarray(1, 2))
  expect(bytes).toEqual(Uint8Array.of(1, 2))
  bytes[0] = 9
  expect(words[1]).toBe(0x0209)
})

test('decodeToF32 gives what decodeElements gives, for every pattern of 16 bits and for some of each dtype', () => {
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i)
  for (const dtype of ['f16', 'bf16'] as const)
    expect(decodeToF32(all, dtype, all.length)).toEqual(Float32Array.from(decodeElements(all, dtype, all.length)))
  const f32 = Float32Array.of(1, -0, 3e38, Number.NaN)
  const copy = decodeToF32(f32, 'f32', 3)
  expect([copy, copy.buffer === f32.buffer]).toEqual([Float32Array.of(1, -0, 3e38), false])
  expect(decodeToF32(Float64Array.of(0.1, 2), 'f64', 2)).toEqual(Float32Array.of(0.1, 2))
  expect(decodeToF32(Uint8Array.of(0x38, 0xb8), 'fp8_e4m3', 2)).toEqual(Float32Array.of(1, -1))
})
