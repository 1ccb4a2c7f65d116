import { expect, test } from 'vitest'
import {
  createReferenceDevice,
  decodeElements,
  dense,
  type DType,
  encodeElements,
  type Format,
  type Op,
  type Tensor,
  toleranceOf,
  type Weight,
} from '../index.ts'
import { accumulateOp, scaleOp, sumOp } from '../../test/ops.ts'

test.for<[DType, readonly number[]]>([
  ['f64', [1 / 3, -2]],
  ['f32', [0.1, 3e38]],
  ['f16', [1.5, -65504]],
  ['bf16', [1.5, 1e38]],
  ['fp8_e4m3', [448, -0.5]],
  ['fp8_e5m2', [0.25, 57344]],
  ['i64', [5, -6]],
  ['i32', [-7, 2 ** 31 - 1]],
  ['u32', [2 ** 32 - 1, 1]],
  ['i8', [-128, 127]],
  ['u8', [0, 255]],
  ['i4', [-8, 7]],
  ['u4', [15, 1]],
  ['bool', [1, 0]],
])('%s elements come back as they were uploaded', async ([dtype, numbers]) => {
  const device = createReferenceDevice()
  const data = encodeElements(numbers, dtype)
  expect(await device.read(device.tensor(data, [numbers.length], dtype))).toEqual(data)
})

test('values are rounded when they are read, not between ops', async () => {
  const device = createReferenceDevice()
  const x = device.tensor(Float32Array.of(1), [1])
  const third = device.run(scaleOp, { x }, { factor: 1 / 3 }).y
  const back = device.run(
    sumOp,
    { x: device.run(scaleOp, { x: third }, { factor: 3e9 }).y, z: device.tensor(Float32Array.of(-1e9), [1]) },
    {},
  ).y
  expect(await device.read(third)).toEqual(Float32Array.of(1 / 3))
  expect(Math.abs(((await device.read(back)) as Float32Array)[0] as number)).toBeLessThan(1e-6)
})

test('16-bit outputs are rounded to their dtype when read', async () => {
  const device = createReferenceDevice()
  const x = device.tensor(encodeElements([1], 'f16'), [1], 'f16')
  const y = await device.read(device.run(scaleOp, { x }, { factor: 1 / 3 }).y)
  expect(decodeElements(y, 'f16', 1)[0]).toBe(0.333251953125)
})

test('packed weights are decoded by their format, once', async () => {
  const device = createReferenceDevice()
  let decodes = 0
  const format: Format = {
    id: 'halves',
    version: 1,
    parts: (shape) => ({ codes: { dtype: 'i8', shape }, scale: { dtype: 'f16', shape: [1] } }),
    decode({ codes = new Uint8Array(), scale = new Uint8Array() }) {
      decodes += 1
      const factor = decodeElements(new Uint16Array(scale.slice().buffer), 'f16', 1)[0] as number
      return Float64Array.from(new Int8Array(codes.buffer, codes.byteOffset, codes.length), (code) => code * factor)
    },
  }
  const total: Op<{ readonly w: Weight }, { readonly y: Tensor }, Record<string, never>> = {
    id: 'test/total',
    version: 1,
    package: '@example/ops',
    validate: () => ({ y: dense('f32', [1]) }),
    tolerance: () => toleranceOf({ dtype: 'f32' }),
    cost: () => ({ flops: 0, bytesRead: 0, bytesWritten: 0 }),
    reference: ({ w }) => ({ y: Float64Array.of(w.data.reduce((sum, value) => sum + value, 0)) }),
  }
  const w = device.pack(format, [1, 3], {
    codes: Uint8Array.of(1, 2, 0xff),
    scale: new Uint8Array(Uint16Array.of(0x3800).buffer),
  })
  for (let i = 0; i < 2; i++) expect(await device.read(device.run(total, { w }, {}).y)).toEqual(Float32Array.of(1))
  expect(decodes).toBe(1)
})

test('what an op writes may be raw bytes, and must be dense', async () => {
  const device = createReferenceDevice()
  const x = device.tensor(Float32Array.of(2, 3), [2])
  const total = device.tensor(Uint8Array.of(1, 5), [2])
  device.run(accumulateOp, { x, total }, {})
  expect(await device.read(total)).toEqual(Uint8Array.of(3, 8))
  const format = {
    id: 'bytes',
    version: 1,
    parts: () => ({ low: { dtype: 'u8', shape: [2] } }) as const,
    decode: () => new Float64Array(2),
  }
  const packed = device.pack(format, [2], { low: new Uint8Array(2) })
  expect(() => device.run(accumulateOp, { x, total: packed as unknown as typeof total }, {})).toThrow(
    'test/accumulate: total is written in place and must be a dense tensor',
  )
})

test('a reference that returns too few values is an error that says so', () => {
  const device = createReferenceDevice()
  const x = device.tensor(Float32Array.of(1, 2), [2])
  expect(() => device.run({ ...scaleOp, reference: () => ({ y: new Float64Array(1) }) }, { x }, { factor: 1 })).toThrow(
    'the reference returned 1 values for y, not 2',
  )
  expect(() => device.run({ ...scaleOp, reference: () => ({}) as { y: Float64Array } }, { x }, { factor: 1 })).toThrow(
    'no values for y',
  )
  expect(device.memory().liveTensors).toBe(1)
})

test('an allocation that the host cannot make is out-of-memory', () => {
  const device = createReferenceDevice()
  let found: unknown
  try {
    device.empty([2 ** 40], 'f32')
  } catch (error) {
    found = error
  }
  expect(found).toMatchObject({ code: 'out-of-memory' })
  expect(device.memory().allocatedBytes).toBe(0)
})

test('explain names the reference itself', () => {
  const device = createReferenceDevice()
  const x = device.empty([1], 'f32')
  expect(device.explain(scaleOp, { x }, { factor: 1 })).toMatchObject({
    kernel: 'reference',
    reason: 'the reference device runs the definition of every op',
  })
})
