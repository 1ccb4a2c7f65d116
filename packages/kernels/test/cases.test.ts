import { expect, test } from 'vitest'
import * as kernels from '../src/index.ts'
import { calibrationCases, conformanceCases, fusedCases, goldenCases } from './cases/index.ts'

test('every op of the package has conformance problems, each with a name of its own', () => {
  const ops = Object.values(kernels).flatMap((value) =>
    typeof value === 'object' && 'reference' in value ? [value.id] : [],
  )
  expect(ops.length).toBeGreaterThan(15)
  expect([...new Set([...conformanceCases, ...fusedCases, ...calibrationCases].map(({ op }) => op))].sort()).toEqual(
    ops.sort(),
  )
  const names = [...conformanceCases, ...fusedCases, ...calibrationCases, ...goldenCases].map(
    ({ op, name }) => `${op} ${name}`,
  )
  expect(new Set(names).size).toBe(names.length)
})
