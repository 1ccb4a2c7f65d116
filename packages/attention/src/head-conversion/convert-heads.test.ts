import { compare, goldenInput, goldenOutput, normal, readGolden } from '@tessera-llm/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { attentionLayer, project } from '../../test/cases/attention-layer.ts'
import { drawHeads, headDim, inputs, valueDim } from '../../test/cases/head-weights.ts'
import { bestRotation, type KeyRotation } from './align-heads.ts'
import {
  convertHeads,
  type ConvertHeadsOptions,
  createMomentSum,
  type HeadMoments,
  type HeadWeights,
  type ProjectionWeights,
} from './index.ts'
import { mapColumns, mapRows } from './map-projection.ts'

const goldens = await readGolden(new URL('../../test/golden/', import.meta.url), 'mha2gqa')

describe('mean is the conversion of the GQA paper', () => {
  test.each(goldens)('$name', async (golden) => {
    const p = golden.params as {
      heads: number
      kv_heads: number
      head_dim: number
      batch: number
      seq: number
      rope: boolean
    }
    const input = (name: string): Float32Array => goldenInput(golden, name).data as Float32Array
    const projection = (name: string): ProjectionWeights => ({
      weight: input(`w${name}`),
      bias: golden.inputs[`b${name}`] && input(`b${name}`),
    })
    const weights: HeadWeights = {
      numHeads: p.heads,
      numKvHeads: p.heads,
      headDim: p.head_dim,
      query: projection('q'),
      key: projection('k'),
      value: projection('v'),
      output: projection('o'),
    }
    const converted = convertHeads(weights, { numKvHeads: p.kv_heads, method: 'mean' }).weights
    const got: Record<string, ArrayLike<number> | undefined> = {
      wk_gqa: converted.key.weight,
      wv_gqa: converted.value.weight,
      bk_gqa: converted.key.bias,
      bv_gqa: converted.value.bias,
    }
    const layer = {
      batch: p.batch,
      seq: p.seq,
      ...(p.rope ? { rope: { style: 'neox' as const, rotaryDim: p.head_dim } } : {}),
    }
    got['y_mha'] = await attentionLayer(weights, input('x'), layer)
    got['y_gqa'] = await attentionLayer(converted, input('x'), layer)
    for (const name of Object.keys(golden.outputs).filter((output) => output !== 'rel_err')) {
      const { data, tolerance } = goldenOutput(golden, name)
      const comparison = compare(got[name] ?? [], data as Float32Array, tolerance)
      expect(comparison.pass, `${name}: ${comparison.message}`).toBe(true)
    }
  })
})

const rotations: readonly KeyRotation[] = [
  { kind: 'orthogonal' },
  { kind: 'rope', style: 'neox', rotaryDim: 8 },
  { kind: 'rope', style: 'gptj', rotaryDim: 8 },
  { kind: 'rope', style: 'neox', rotaryDim: 4 },
]
const layer = (allowed: KeyRotation) => ({
  batch: 1,
  seq: 7,
  ...(allowed.kind === 'rope' ? { rope: { style: allowed.style, rotaryDim: allowed.rotaryDim } } : {}),
})
const exact = { atol: 1e-5, rtol: 1e-5, nmse: 1e-11 }

const inputRows = (seed: number, tokens: number): Float32Array =>
  normal([tokens, inputs], { seed, scale: 1 }).data as Float32Array

function momentsOf({ numHeads, numKvHeads, query, key, value }: HeadWeights, x: Float32Array): HeadMoments {
  const tokens = x.length / inputs
  const [ofKeys, ofValues] = [createMomentSum(numKvHeads * headDim), createMomentSum(numKvHeads * valueDim)]
  ofKeys.add(Float32Array.from(project(key, x, tokens)))
  ofValues.add(Float32Array.from(project(value, x, tokens)))
  const ofQueries = Array.from({ length: numKvHeads }, () => createMomentSum(headDim))
  const queries = Float32Array.from(project(query, x, tokens))
  const width = (numHeads / numKvHeads) * headDim
  for (let at = 0; at < queries.length; at += width)
    ofQueries[(at / width) % numKvHeads]?.add(queries.subarray(at, at + width))
  return {
    key: ofKeys.moments,
    value: ofValues.moments,
    query: Float64Array.from(ofQueries.flatMap(({ moments }) => [...moments])),
  }
}

const randomRotation = (seed: number, size: number, allowed: KeyRotation): Float64Array =>
  bestRotation(Float64Array.from(normal([size, size], { seed }).data as Float32Array), size, allowed).rotation

/** The same function, with each KV head rotated by its own rotation. */
function turned(weights: HeadWeights, seed: number, allowed: KeyRotation): HeadWeights {
  const { numHeads, numKvHeads, query, key, value, output } = weights
  const byHead = (size: number, own: number, kind: KeyRotation) =>
    Array.from({ length: numKvHeads }, (_, head) => randomRotation(seed + own + head, size, kind))
  const [keys, values] = [byHead(headDim, 100, allowed), byHead(valueDim, 200, { kind: 'orthogonal' })]
  const [queryHeads, kvHeads] = [numHeads, numKvHeads].map((count) =>
    Array.from({ length: count }, (_, head) => head),
  ) as [number[], number[]]
  const kvHead = (head: number): number => Math.floor((head * numKvHeads) / numHeads)
  return {
    ...weights,
    query: mapRows(query, headDim, queryHeads, (head) => keys[kvHead(head)]),
    key: mapRows(key, headDim, kvHeads, (head) => keys[head]),
    value: mapRows(value, valueDim, kvHeads, (head) => values[head]),
    output: { ...output, weight: mapColumns(output.weight, valueDim, queryHeads, (head) => values[kvHead(head)]) },
  }
}

/** KV heads `copies[i]` of `weights`, so that some heads are equal. */
function copied(weights: HeadWeights, copies: readonly number[]): HeadWeights {
  return {
    ...weights,
    key: mapRows(weights.key, headDim, copies, undefined),
    value: mapRows(weights.value, valueDim, copies, undefined),
  }
}

async function expectSameFunction(a: HeadWeights, b: HeadWeights, allowed: KeyRotation, seed = 1): Promise<void> {
  const x = inputRows(seed, 7)
  const comparison = compare(
    await attentionLayer(b, x, layer(allowed)),
    await attentionLayer(a, x, layer(allowed)),
    exact,
  )
  expect(comparison.pass, comparison.message).toBe(true)
}

describe.each(rotations)('rotations: $kind $style $rotaryDim', (keyRotation) => {
  test('rotating alone leaves the function as it is', () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1000 }), async (seed) => {
        const weights = drawHeads(6, 3, seed)
        await expectSameFunction(weights, turned(weights, seed, keyRotation), keyRotation, seed)
      }),
      { numRuns: 10 },
    ))

  test('heads that differ by a rotation alone merge without loss, and are found', () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1000 }), async (seed) => {
        // KV heads 0, 2 and 3 are one head turned, 1, 4 and 5 another.
        const weights = turned(copied(drawHeads(12, 6, seed), [0, 1, 0, 0, 1, 1]), seed, keyRotation)
        for (const method of ['activation', 'principal'] as const) {
          const converted = convertHeads(weights, {
            numKvHeads: 2,
            method,
            keyRotation,
            moments: momentsOf(weights, inputRows(seed + 1, 40)),
          })
          expect(converted.groups).toEqual([
            [0, 2, 3],
            [1, 4, 5],
          ])
          expect(converted.queryOrder).toEqual([0, 1, 4, 5, 6, 7, 2, 3, 8, 9, 10, 11])
          await expectSameFunction(weights, converted.weights, keyRotation, seed)
        }
      }),
      { numRuns: 10 },
    ))

  test('on random heads, principal errs less than activation, and that less than mean', async () => {
    const weights = drawHeads(4, 4, 5)
    const x = inputRows(6, 60)
    const expected = await attentionLayer(weights, x, { ...layer(keyRotation), seq: 60 })
    const errorOf = async (options: ConvertHeadsOptions): Promise<number> => {
      const got = await attentionLayer(convertHeads(weights, options).weights, x, { ...layer(keyRotation), seq: 60 })
      return got.reduce((sum, value, index) => sum + (value - (expected[index] as number)) ** 2, 0)
    }
    const moments = momentsOf(weights, x)
    const [principal, activation, mean] = [
      await errorOf({ numKvHeads: 2, method: 'principal', keyRotation, moments }),
      await errorOf({ numKvHeads: 2, method: 'activation', keyRotation, moments }),
      await errorOf({ numKvHeads: 2, method: 'mean' }),
    ]
    expect(principal).toBeLessThan(activation)
    expect(activation).toBeLessThan(mean)
  })
})

const methodsOf = (weights: HeadWeights, numKvHeads: number): readonly ConvertHeadsOptions[] => [
  { numKvHeads, method: 'mean' },
  { numKvHeads, method: 'first' },
  {
    numKvHeads,
    method: 'activation',
    keyRotation: { kind: 'rope', style: 'neox', rotaryDim: 8 },
    moments: momentsOf(weights, inputRows(3, 30)),
  },
  { numKvHeads, method: 'activation', keyRotation: { kind: 'none' }, moments: momentsOf(weights, inputRows(3, 30)) },
  {
    numKvHeads,
    method: 'principal',
    keyRotation: { kind: 'rope', style: 'neox', rotaryDim: 8 },
    moments: momentsOf(weights, inputRows(3, 30)),
  },
  { numKvHeads, method: 'principal', keyRotation: { kind: 'none' }, moments: momentsOf(weights, inputRows(3, 30)) },
]

test('to the same number of heads is the identity', () => {
  const weights = drawHeads(6, 3, 7)
  for (const options of methodsOf(weights, 3))
    expect(convertHeads(weights, options)).toEqual({ weights, groups: [[0], [1], [2]], queryOrder: [0, 1, 2, 3, 4, 5] })
})

test('equal heads merge without loss by every method, exactly by mean and first', async () => {
  const weights = copied(drawHeads(6, 3, 8), [1, 1, 1])
  for (const options of methodsOf(weights, 1)) {
    const converted = convertHeads(weights, options)
    await expectSameFunction(weights, converted.weights, { kind: 'rope', style: 'neox', rotaryDim: 8 })
    if ('moments' in options) continue
    expect(converted.weights.key.weight).toEqual(weights.key.weight.subarray(0, headDim * inputs))
    expect(converted.weights.query).toBe(weights.query)
    expect(converted.weights.output.weight).toBe(weights.output.weight)
  }
})

test('groups that are no neighbours move query heads and columns of the output exactly', async () => {
  const weights = copied(drawHeads(8, 4, 9), [0, 1, 1, 0])
  for (const method of ['mean', 'first'] as const) {
    const { weights: converted, queryOrder } = convertHeads(weights, {
      numKvHeads: 2,
      method,
      groups: [
        [1, 2],
        [3, 0],
      ],
    })
    expect(queryOrder).toEqual([2, 3, 4, 5, 6, 7, 0, 1])
    const row = headDim * inputs
    expect(converted.query.weight.subarray(0, row)).toEqual(weights.query.weight.subarray(2 * row, 3 * row))
    expect(converted.query.bias?.subarray(7 * headDim)).toEqual(weights.query.bias?.subarray(headDim, 2 * headDim))
    expect(converted.output.weight.subarray(0, valueDim)).toEqual(
      weights.output.weight.subarray(2 * valueDim, 3 * valueDim),
    )
    expect(converted.output.bias).toBe(weights.output.bias)
    await expectSameFunction(weights, converted, { kind: 'rope', style: 'gptj', rotaryDim: 8 })
  }
})

test.each(['activation', 'principal'] as const)('heads without any activation merge too: %s', (method) => {
  const weights = drawHeads(4, 4, 2)
  const moments = {
    key: new Float64Array((4 * headDim) ** 2),
    value: new Float64Array((4 * valueDim) ** 2),
    query: new Float64Array(4 * headDim ** 2),
  }
  const { weights: converted } = convertHeads(weights, {
    numKvHeads: 2,
    method,
    keyRotation: { kind: 'rope', style: 'neox', rotaryDim: 4 },
    moments,
  })
  expect([...converted.value.weight, ...converted.key.weight, ...converted.output.weight].every(Number.isFinite)).toBe(
    true,
  )
})
