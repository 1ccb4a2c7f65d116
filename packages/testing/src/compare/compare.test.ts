import { createReferenceDevice } from '@tessera-llm/tensor'
import { expect, test } from 'vitest'
import { values } from '../generate/index.ts'
import { compare } from './compare.ts'
import { referenceMatchers } from './matcher.ts'

expect.extend(referenceMatchers)
const tolerance = { atol: 1e-6, rtol: 1e-5, nmse: 1e-7 }

test('values within the bound pass, and the worst is still named', () => {
  const result = compare([1, 2.00001, 3], [1, 2, 3], tolerance)
  expect(result).toMatchObject({ pass: true, failed: 0, worst: { index: 1, got: 2.00001, expected: 2 } })
  expect(result.worst?.bound).toBeCloseTo(2.1e-5, 12)
  expect(result.worstShare).toBeCloseTo(1e-5 / 2.1e-5, 6)
})

test('the worst element is the one that exceeds its own bound most, not the one with the largest difference', () => {
  const result = compare([1000.005, 0.001], [1000, 0], tolerance)
  expect(result).toMatchObject({ pass: false, failed: 1, worst: { index: 1, got: 0.001, expected: 0, bound: 1e-6 } })
  expect(result.message).toBe(
    '1 of 2 elements out of bounds; worst element [1]: got 0.001, expected 0, difference 1.000e-3, bound 1.000e-6; NMSE 2.600e-11, within 1.000e-7',
  )
})

test('errors that are small everywhere but add up fail by NMSE alone', () => {
  const expected = new Float32Array(100).fill(1)
  const got = expected.map(() => 1.001)
  const result = compare(got, expected, { atol: 0.01, rtol: 0, nmse: 1e-7 })
  expect(result).toMatchObject({ pass: false, failed: 0 })
  expect(result.message).toContain('above 1.000e-7')
})

test.for([
  ['NaN for a number', [Number.NaN], [1]],
  ['a number for NaN', [1], [Number.NaN]],
  ['NaN for NaN', [Number.NaN], [Number.NaN]],
  ['infinity for a number', [Number.POSITIVE_INFINITY], [1]],
  ['a number for infinity', [3.4e38], [Number.POSITIVE_INFINITY]],
  ['the other infinity', [Number.NEGATIVE_INFINITY], [Number.POSITIVE_INFINITY]],
  ['too few elements', [1], [1, 1]],
] as const)('fails: %s', ([, got, expected]) => {
  expect(compare(got, expected, { atol: 1e30, rtol: 1e30, nmse: 1e30 }).pass).toBe(false)
})

test('equal infinities pass; a bound of zero demands equality; a NaN bound fails', () => {
  expect(
    compare([Number.NEGATIVE_INFINITY, 5], [Number.NEGATIVE_INFINITY, 5], { atol: 0, rtol: 0, nmse: 0 }).pass,
  ).toBe(true)
  expect(compare([5 + 1e-12], [5], { atol: 0, rtol: 0, nmse: 1 }).pass).toBe(false)
  expect(compare([5.5], [5], { ...tolerance, atol: Number.NaN }).pass).toBe(false)
  expect(compare([5], [5], { ...tolerance, nmse: Number.NaN }).pass).toBe(false)
})

test('where all expected values are 0 only the elementwise bound counts', () => {
  expect(compare([1e-7, 0], [0, 0], tolerance).pass).toBe(true)
  expect(compare([1e-5, 0], [0, 0], tolerance).pass).toBe(false)
})

test('toMatchReference reads tensors, host values and numbers', async () => {
  const device = createReferenceDevice()
  const tensor = device.tensor(Float32Array.of(1, 2, 3), [3])
  await expect(tensor).toMatchReference([1, 2, 3], tolerance)
  await expect([1, 2, 3]).toMatchReference(tensor, tolerance)
  await expect(tensor).toMatchReference(values([3], [1, 2, 3], 'f16'), tolerance)
  await expect(tensor).not.toMatchReference([1, 2, 4], tolerance)
  await expect(expect(tensor).toMatchReference([1, 2, 4], tolerance)).rejects.toThrow(
    'worst element [2]: got 3, expected 4',
  )
  await expect(expect(tensor).toMatchReference(values([1, 3], [1, 2, 3]), tolerance)).rejects.toThrow(
    'got shape [3], expected [1, 3]',
  )
})
