import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import {
  answerElements,
  inputF32,
  problemOfAnswer,
  weightF32,
  weightI8,
  weightScale,
  weightU4,
  zeroPoint,
} from './matmul-data.ts'
import { readModelFacts } from './model-facts.ts'
import { cacheWorkloads } from './cache-workloads.ts'
import { modelWorkloads } from './model-workloads.ts'
import { profileWorkloads } from './profile-workloads.ts'
import { operatorWorkloads, roofWorkloads } from './operator-workloads.ts'
import type { MatmulWorkload } from './workload.ts'

const small = (kind: MatmulWorkload['kind']): MatmulWorkload => ({
  kind,
  id: 'x',
  title: 'x',
  threads: 1,
  metrics: [],
  m: 2,
  k: 64,
  n: 3,
  matrices: 2,
})

describe('matmul data', () => {
  it.each(['gemm-f32', 'gemm-int8', 'gemm-4bit', 'gemv-4bit'] as const)(
    '%s: accepts the product, refuses a neighbour of it',
    (kind) => {
      const w = small(kind)
      const product = answerElements(w).map(([row, column]) => {
        let sum = 0
        for (const matrix of [0, 1]) {
          for (let k = 0; k < w.k; k++) {
            const weight =
              kind === 'gemv-4bit' || kind === 'gemm-4bit'
                ? (weightU4(w, matrix, k, column) - zeroPoint) * weightScale(w, matrix, k >> 5, column)
                : kind === 'gemm-int8'
                  ? weightI8(w, matrix, k, column) / 128
                  : weightF32(w, matrix, k, column)
            sum += inputF32(w, row, k) * weight
          }
        }
        return sum
      })
      expect(problemOfAnswer(w, product)).toBeUndefined()
      expect(problemOfAnswer(w, [...product.slice(0, -1), (product.at(-1) as number) + 1])).toContain('computed')
      expect(problemOfAnswer(w, product.toReversed())).toContain('computed')
      expect(problemOfAnswer(w, [Number.NaN, ...product.slice(1)])).toContain('NaN')
      expect(problemOfAnswer(w, undefined)).toContain('no elements')
    },
  )

  it('uses the whole range of each type', () => {
    const w = { ...small('gemm-int8'), k: 4096 }
    const all = (value: (k: number) => number): readonly number[] => Array.from({ length: w.k }, (_, k) => value(k))
    const range = (values: readonly number[]): readonly number[] => [Math.min(...values), Math.max(...values)]
    expect(range(all((k) => inputF32(w, 0, k)))).toEqual([-1, 127 / 128])
    expect(range(all((k) => weightI8(w, 0, k, 0)))).toEqual([-127, 127])
    expect(range(all((k) => weightU4(w, 0, k, 0)))).toEqual([0, 15])
    expect(range(Array.from({ length: 128 }, (_, block) => weightScale(w, 0, block, 0)))).toEqual([4 / 64, 7 / 64])
  })
})

describe('workloads', () => {
  const model = fileURLToPath(
    new URL('../../../../packages/runtime/test/golden/architectures/llama/model.gguf', import.meta.url),
  )

  it('have ids of their own and a cost that follows from the file', async () => {
    const facts = await readModelFacts(model)
    const workloads = [
      ...roofWorkloads(),
      ...modelWorkloads(model, facts),
      ...cacheWorkloads(model, facts),
      ...operatorWorkloads(),
      ...profileWorkloads(model),
    ]
    expect(new Set(workloads.map(({ id }) => id)).size).toBe(workloads.length)
    expect(facts.weightBytesPerToken).toBeLessThan(facts.fileBytes)
    const [short, long] = ['decode-1t', 'decode-1k-1t'].map((wanted) => workloads.find(({ id }) => id === wanted))
    const positions = 1024 + 32 - (16 + 64)
    expect((long?.cost?.workPerUnit ?? 0) - (short?.cost?.workPerUnit ?? 0)).toBe(
      positions * facts.cacheBytesPerPosition,
    )
  })
})
