import { normal } from '@tessera-llm/testing'
import { expect, test } from 'vitest'
import { groupBySimilarity } from './group-heads.ts'
import { nearestRotation } from './nearest-rotation.ts'

const multiply = (a: ArrayLike<number>, b: ArrayLike<number>, n: number, isTransposed = false): Float64Array =>
  Float64Array.from({ length: n * n }, (_, index) => {
    const [row, column] = [Math.floor(index / n), index % n]
    return Array.from(
      { length: n },
      (_, k) => (a[row * n + k] as number) * (b[isTransposed ? column * n + k : k * n + column] as number),
    ).reduce((x, y) => x + y)
  })

test.each([1, 2, 7, 64])('of a random matrix of %i: orthogonal, and the polar factor', (n) => {
  const a = Float64Array.from(normal([n, n], { seed: n }).data as Float32Array)
  const { rotation, trace } = nearestRotation(a, n)
  const square = multiply(rotation, rotation, n, true)
  for (let i = 0; i < n * n; i++) expect(square[i]).toBeCloseTo(i % (n + 1) === 0 ? 1 : 0, 10)
  // Exactly for the polar factor, Rᵀ A is symmetric and its trace is the sum of the singular values.
  const polar = multiply(
    Float64Array.from({ length: n * n }, (_, i) => rotation[(i % n) * n + Math.floor(i / n)] as number),
    a,
    n,
  )
  for (let i = 0; i < n; i++)
    for (let j = 0; j < i; j++) expect(polar[i * n + j]).toBeCloseTo(polar[j * n + i] as number, 9)
  expect(Array.from({ length: n }, (_, i) => polar[i * n + i] as number).reduce((x, y) => x + y)).toBeCloseTo(trace, 8)
})

test.each([0, 1, 2])('of a matrix of rank %i of 4 it is orthogonal still', (rank) => {
  const a = new Float64Array(16)
  for (let k = 0; k < rank; k++)
    for (let i = 0; i < 4; i++)
      for (let j = 0; j < 4; j++)
        a[i * 4 + j] = (a[i * 4 + j] as number) + Math.sin(i * (k + 1) + 1) * Math.cos(j * (k + 2))
  const { rotation } = nearestRotation(a, 4)
  const square = multiply(rotation, rotation, 4, true)
  for (let i = 0; i < 16; i++) expect(square[i]).toBeCloseTo(i % 5 === 0 ? 1 : 0, 10)
})

test('groups are as good as the best of all of them', () => {
  const partitions = (heads: readonly number[]): readonly (readonly (readonly number[])[])[] => {
    if (heads.length === 0) return [[]]
    const [first, ...rest] = heads as [number, ...number[]]
    return rest.flatMap((x, i) =>
      rest
        .slice(i + 1)
        .flatMap((y) =>
          partitions(rest.filter((head) => head !== x && head !== y)).map((others) => [[first, x, y], ...others]),
        ),
    )
  }
  for (let seed = 1; seed <= 20; seed++) {
    const like = Float64Array.from(normal([81], { seed }).data as Float32Array)
    for (let i = 0; i < 9; i++) for (let j = 0; j < i; j++) like[i * 9 + j] = like[j * 9 + i] as number
    const score = (groups: readonly (readonly number[])[]): number =>
      groups.reduce(
        (sum, [a = 0, b = 0, c = 0]) =>
          sum + (like[a * 9 + b] as number) + (like[a * 9 + c] as number) + (like[b * 9 + c] as number),
        0,
      )
    const best = Math.max(...partitions([0, 1, 2, 3, 4, 5, 6, 7, 8]).map(score))
    const start = score([
      [0, 1, 2],
      [3, 4, 5],
      [6, 7, 8],
    ])
    // Swaps find a local optimum; it must close most of the gap.
    expect(score(groupBySimilarity(like, 9, 3)) - start).toBeGreaterThanOrEqual(0.8 * (best - start))
  }
})
