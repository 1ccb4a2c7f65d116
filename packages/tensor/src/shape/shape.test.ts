import { expect, test } from 'vitest'
import { checkShape, formatShape, lastAxis, rowsOf, sameShape, sizeOf } from './index.ts'

test('sizes of scalars, vectors, stacks of rows and empty tensors', () => {
  expect([[], [5], [2, 3, 4], [2, 0, 4]].map(sizeOf)).toEqual([1, 5, 24, 0])
  expect([[], [5], [2, 3, 4]].map(rowsOf)).toEqual([1, 1, 6])
  expect([[], [5], [2, 3, 4]].map(lastAxis)).toEqual([1, 5, 4])
})

test('equality is of every axis', () => {
  expect(sameShape([2, 3], [2, 3])).toBe(true)
  expect(sameShape([2, 3], [2, 3, 1])).toBe(false)
  expect(sameShape([2, 3], [3, 2])).toBe(false)
})

test('messages', () => expect([formatShape([]), formatShape([2, 9, 64])]).toEqual(['[]', '[2, 9, 64]']))

test.for<[number[], string]>([
  [[2, -1], 'x: axis 1 of [2, -1] must be a non-negative integer, not -1'],
  [[1.5], 'axis 0 of [1.5] must be a non-negative integer, not 1.5'],
  [[Number.NaN], 'not NaN'],
  [[2 ** 30, 2 ** 30], 'has too many elements to count'],
])('%o is refused', ([shape, message]) => {
  expect(() => checkShape(shape, 'x')).toThrow(message)
})

test('empty axes and scalars are shapes', () => {
  checkShape([], 'x')
  checkShape([0, 5], 'x')
})
