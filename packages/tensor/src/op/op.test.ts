import { expect, test } from 'vitest'
import {
  createReferenceDevice,
  commonDevice,
  defineOp,
  dense,
  denseSpec,
  describeProblem,
  type Format,
  isTesseraError,
  problemKey,
  specBytes,
  specOf,
  toleranceOf,
} from '../index.ts'
import { scaleOp, sumOp } from '../../test/ops.ts'

const format: Format = {
  id: 'q',
  version: 3,
  parts: ([rows = 0, columns = 0]) => ({
    codes: { dtype: 'u4', shape: [rows, columns] },
    scales: { dtype: 'f16', shape: [rows] },
  }),
  decode: () => new Float64Array(),
}

test('describeProblem validates and says what the outputs will be', () => {
  expect(describeProblem(scaleOp, { x: dense('f16', [2, 3]) }, { factor: 2 })).toEqual({
    op: 'test/scale',
    inputs: { x: { kind: 'dense', dtype: 'f16', shape: [2, 3] } },
    outputs: { y: { kind: 'dense', dtype: 'f16', shape: [2, 3] } },
    options: { factor: 2 },
  })
  expect(() => describeProblem(scaleOp, { x: dense('f16', [2, 3]) }, { factor: Number.POSITIVE_INFINITY })).toThrow(
    'factor must be finite',
  )
})

test('the key of a problem holds dtypes, formats, shapes and options in one order, and leaves out what is undefined', () => {
  const outputs = {}
  const key = problemKey({
    op: 'o',
    inputs: { x: dense('f32', [2, 3]), w: { kind: 'packed', format, shape: [4, 8] }, z: undefined },
    outputs,
    options: { b: 1, a: 'x', c: undefined },
  })
  expect(key).toBe('o(w:q@3[4,8] x:f32[2,3] z:-)[["a","x"],["b",1]]')
  expect(
    problemKey({
      op: 'o',
      inputs: { z: undefined, w: { kind: 'packed', format, shape: [4, 8] }, x: dense('f32', [2, 3]) },
      outputs,
      options: { a: 'x', b: 1 },
    }),
  ).toBe(key)
  const variants = [
    problemKey({ op: 'p', inputs: { x: dense('f32', [2, 3]) }, outputs, options: {} }),
    problemKey({ op: 'o', inputs: { x: dense('f32', [2, 3]) }, outputs, options: {} }),
    problemKey({ op: 'o', inputs: { x: dense('f16', [2, 3]) }, outputs, options: {} }),
    problemKey({ op: 'o', inputs: { x: dense('f32', [6]) }, outputs, options: {} }),
    problemKey({ op: 'o', inputs: { x: dense('f32', [2, 3]) }, outputs, options: { a: 1 } }),
    problemKey({ op: 'o', inputs: { x: dense('f32', [2, 3]) }, outputs, options: { a: '1' } }),
    problemKey({ op: 'o', inputs: { x: { kind: 'packed', format, shape: [2, 3] } }, outputs, options: {} }),
    problemKey({
      op: 'o',
      inputs: { x: { kind: 'packed', format: { ...format, version: 4 }, shape: [2, 3] } },
      outputs,
      options: {},
    }),
  ]
  expect(new Set(variants).size).toBe(variants.length)
})

test('specs of tensors and their bytes', () => {
  const device = createReferenceDevice()
  expect(specOf(device.empty([2, 3], 'bf16'))).toEqual(dense('bf16', [2, 3]))
  const packed = device.pack(format, [2, 4], { codes: new Uint8Array(4), scales: new Uint8Array(4) })
  expect(specOf(packed)).toEqual({ kind: 'packed', format, shape: [2, 4] })
  expect([specBytes(dense('bf16', [2, 3])), specBytes(specOf(packed))]).toEqual([12, 8])
})

test('denseSpec refuses what is missing or packed, naming op and input', () => {
  expect(denseSpec(dense('f32', [1]), 'o', 'x')).toEqual(dense('f32', [1]))
  expect(() => denseSpec(undefined, 'o', 'x')).toThrow('o: the input x is required')
  expect(() => denseSpec({ kind: 'packed', format, shape: [2, 4] }, 'o', 'x')).toThrow(
    'o: x must be a dense tensor, not packed as q; unpack it first',
  )
})

test('commonDevice takes the one that all given inputs are on', () => {
  const device = createReferenceDevice()
  const x = device.empty([1], 'f32')
  expect(commonDevice({ none: undefined, x }, 'o')).toBe(device)
  const other = createReferenceDevice().empty([1], 'f32')
  let found: unknown
  try {
    commonDevice({ x, other }, 'o')
  } catch (error) {
    found = error
  }
  expect(isTesseraError(found, 'device-mismatch')).toBe(true)
  expect(String(found)).toContain('move it with device.tensor(await other.read(x), x.shape)')
})

test('tolerance grows with the root of the reduction, with the stages, and atol with the scale', () => {
  const one = toleranceOf({ dtype: 'f32' })
  expect(one).toEqual({ atol: 4 * 2 ** -23, rtol: 4 * 2 ** -23, nmse: 1e-7 })
  expect(toleranceOf({ dtype: 'f32', reduce: 256, stages: 3, scale: 10 })).toEqual({
    atol: one.atol * 480,
    rtol: one.rtol * 48,
    nmse: 1e-7,
  })
  expect(toleranceOf({ dtype: 'f16' })).toMatchObject({ rtol: 4 * 2 ** -10, nmse: 4e-6 })
  expect(toleranceOf({ dtype: 'fp8_e4m3' }).nmse).toBe(2 ** -6)
})

test('defineOp is the op, typed', () => expect(defineOp(sumOp)).toBe(sumOp))
