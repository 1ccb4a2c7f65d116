import { attentionOp, kvAppendOp } from '@tessera-llm/attention'
import { embeddingOp, linearOp, rmsNormOp } from '@tessera-llm/kernels'
import { ggmlPackers } from '@tessera-llm/quantization'
import { dense, describeProblem, type Problem, type WeightSpec } from '@tessera-llm/tensor'
import { describe, expect, it } from 'vitest'
import { type KernelProfile, kernelsOfStep } from './kernel-profile.ts'
import { limitsOf } from './limit.ts'
import type { RecordedStage } from './record-stages.ts'
import { workOf } from './work.ts'

const format = ggmlPackers.find(({ source, device }) => source === 'q4_1' && device === 'wasm')?.format
if (!format) throw new Error('the packer of q4_1 is missing')
const packed = (rows: number, columns: number): WeightSpec => ({ kind: 'packed', format, shape: [rows, columns] })
const bytesOfQ41 = (elements: number): number => (elements / 32) * 20
const erase = (problem: unknown): Problem => problem as Problem

const linear = (rows: number, columns: number, activations: 'int8' | 'f32' = 'int8'): Problem =>
  erase(
    describeProblem(
      linearOp,
      {
        x: dense('f32', [2, columns]),
        weight: packed(rows, columns),
        bias: undefined,
        residual: dense('f32', [2, rows]),
      },
      { activations },
    ),
  )
const attend = (dtype: 'f32' | 'f16', queries = 1): Problem =>
  erase(
    describeProblem(
      attentionOp,
      {
        q: dense('f32', [1, queries, 9, 64]),
        k: dense(dtype, [1, 3, 4096, 64]),
        v: dense(dtype, [1, 3, 4096, 64]),
        kvLengths: dense('i32', [1]),
      },
      { isCausal: true, layout: 'blhd', kvLayout: 'bhld' },
    ),
  )

describe('workOf', () => {
  it('counts a weight as it is packed, and what goes with it', () => {
    expect(workOf(linear(16, 64), 1)).toEqual({
      flops: 2 * 2 * 16 * 64,
      bytesRead: bytesOfQ41(16 * 64) + 4 * (2 * 64 + 2 * 16),
      isInteger: true,
      detail: `16 × 64 ${format.id}`,
    })
    expect(workOf(linear(16, 64, 'f32'), 1).isInteger).toBe(false)
    const dot = erase(
      describeProblem(linearOp, { x: dense('f32', [1, 8]), weight: dense('f32', [4, 8]) }, { activations: 'int8' }),
    )
    expect(workOf(dot, 1)).toEqual({ flops: 2 * 4 * 8, bytesRead: 4 * (8 + 32), isInteger: false, detail: '4 × 8 f32' })
  })

  it('counts the keys that are there, not the capacity, in the bytes of the cache', () => {
    const keys = 1025
    expect(workOf(attend('f32'), keys)).toEqual({
      flops: 4 * 9 * 64 * keys,
      bytesRead: 4 * (9 * 64 + 2 * 3 * 64 * keys),
      isInteger: false,
      detail: '1025 keys f32',
    })
    expect(workOf(attend('f16'), keys).bytesRead).toBe(4 * 9 * 64 + 2 * 2 * 3 * 64 * keys)
    expect(() => workOf(attend('f32'), 4097)).toThrow('cache of 4096')
  })

  it('counts half of the pairs of a prompt, which attends to itself', () => {
    expect(workOf(attend('f32', 128), 128).flops).toBe(4 * 9 * 64 * ((128 * 129) / 2))
  })

  it('counts the rows of an embedding that are looked up', () => {
    const problem = erase(describeProblem(embeddingOp, { ids: dense('i32', [3]), weight: packed(48, 64) }, {}))
    expect(workOf(problem, 1).bytesRead).toBe(3 * (4 + bytesOfQ41(64)))
  })

  it('takes what the op says of all others, and refuses those that it does not know', () => {
    const append = erase(
      describeProblem(
        kvAppendOp,
        { cache: dense('f16', [1, 3, 4096, 64]), x: dense('f32', [1, 1, 3, 64]), positions: dense('i32', [1]) },
        {},
      ),
    )
    expect(workOf(append, 7)).toEqual({ flops: 0, bytesRead: 4 * 3 * 64, isInteger: false, detail: '' })
    expect(() => workOf({ ...append, op: 'convolve' }, 7)).toThrow('convolve')
  })
})

const stage = (kernel: string, entry: string, problem: Problem, position = 0): RecordedStage => ({
  label: `${kernel}/${entry}`,
  kernel,
  entry,
  problem,
  position,
})
const norm = erase(describeProblem(rmsNormOp, { x: dense('f32', [1, 64]), weight: dense('f32', [64]) }, { eps: 1e-5 }))

describe('kernelsOfStep', () => {
  it('sums by kernel and problem, and counts the work of a launch once', () => {
    const [small, large] = [linear(16, 64), linear(64, 64)]
    const stages = [
      stage('rms-norm/rows', 'norm', norm),
      stage('linear/rows8', 'round', small),
      stage('linear/rows8', 'product', small, 1),
      stage('linear/rows8', 'round', small),
      stage('linear/rows8', 'product', small, 1),
      stage('linear/rows8', 'round', large),
      stage('linear/rows8', 'product', large, 1),
    ]
    const rows = kernelsOfStep(stages, [1, 2, 4, 8, 16, 32, 64], 1)
    expect(rows.map(({ kernel, detail, launches, microseconds }) => [kernel, detail, launches, microseconds])).toEqual([
      ['linear/rows8', `64 × 64 ${format.id}`, 1, 96_000],
      ['linear/rows8', `16 × 64 ${format.id}`, 2, 30_000],
      ['rms-norm/rows', '', 1, 1000],
    ])
    expect(rows[1]?.stages).toEqual({ round: 10_000, product: 20_000 })
    expect(rows[1]?.flops).toBe(2 * workOf(small, 1).flops)
    expect(rows[1]?.bytesRead).toBe(2 * workOf(small, 1).bytesRead)
  })

  it('refuses times of another plan', () => {
    expect(() => kernelsOfStep([stage('rms-norm/rows', 'norm', norm)], [1, 2], 1)).toThrow('2 times')
  })
})

describe('limitsOf', () => {
  const row = (microseconds: number, bytesRead: number, flops: number, isInteger = false): KernelProfile => ({
    kernel: 'a/b',
    detail: '',
    launches: 1,
    microseconds,
    bytesRead,
    flops,
    isInteger,
    stages: {},
  })
  const peaks = { read: 10, fmaF32: 50, dotI16: 80, dotI8: 200 }

  it('takes the slower of reading and computing, each at its roof', () => {
    const kernels = [row(10, 50_000, 10_000), row(10, 50_000, 400_000), row(20, 20_000, 800_000, true)]
    const limits = limitsOf({ kernels, integerPeak: 'dotI8' }, peaks)
    expect(limits).toEqual([
      { share: 0.25, readRate: 5, operationRate: 1, limitMicroseconds: 5, bound: 'read', fraction: 0.5 },
      { share: 0.25, readRate: 5, operationRate: 40, limitMicroseconds: 8, bound: 'fmaF32', fraction: 0.8 },
      { share: 0.5, readRate: 1, operationRate: 40, limitMicroseconds: 4, bound: 'dotI8', fraction: 0.2 },
    ])
    expect(limitsOf({ kernels, integerPeak: 'dotI16' }, peaks)?.[2]).toMatchObject({
      limitMicroseconds: 10,
      bound: 'dotI16',
      fraction: 0.5,
    })
  })

  it('says nothing without a roof', () => {
    expect(limitsOf({ kernels: [row(1, 1, 1)], integerPeak: 'dotI8' }, { read: 10, fmaF32: 50 })).toBeUndefined()
  })
})
