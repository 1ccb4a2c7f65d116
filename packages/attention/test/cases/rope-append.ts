import type { DType } from '@tessera-llm/tensor'
import { conformanceCase, constant, type DeviceCase, normal, values } from '@tessera-llm/testing'
import { ropeAppendOp } from '../../src/index.ts'

interface Sizes {
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly valueDim?: number
  readonly rotary?: number
  readonly capacity: number
  /** Positions of each sequence of the batch. */
  readonly at: readonly (readonly number[])[]
  readonly dtype: DType
  readonly valueDtype?: DType
  readonly style?: 'neox' | 'gptj'
  readonly norms?: 'both' | 'query' | 'key'
  readonly unitOffset?: boolean
  readonly table?: readonly (readonly number[])[]
}

function ropeAppendCase(
  name: string,
  {
    heads,
    kvHeads,
    headDim,
    valueDim = headDim,
    rotary = headDim,
    capacity,
    at,
    dtype,
    valueDtype = dtype,
    style = 'neox',
    norms,
    unitOffset,
    table,
  }: Sizes,
): DeviceCase {
  const [batch, length] = [at.length, at[0]?.length ?? 0]
  const places = table ? 1 + Math.max(...table.flat()) : batch
  const norm = (of: 'query' | 'key', seed: number) =>
    norms === 'both' || norms === of ? normal([headDim], { seed, mean: unitOffset ? 0 : 1, scale: 0.3 }) : undefined
  return conformanceCase(ropeAppendOp, {
    name: `rope-append of ${name}`,
    inputs: {
      q: normal([batch, length, heads, headDim]),
      k: normal([batch, length, kvHeads, headDim], { seed: 2 }),
      v: normal([batch, length, kvHeads, valueDim], { seed: 3 }),
      cos: normal([16, rotary / 2], { seed: 4 }),
      sin: normal([16, rotary / 2], { seed: 5 }),
      positions: values([batch, length], at.flat(), 'i32'),
      keys: constant([places, kvHeads, capacity, headDim], 5, dtype),
      values: constant([places, kvHeads, capacity, valueDim], 6, valueDtype),
      blockTable: table && values([batch, table[0]?.length ?? 0], table.flat(), 'i32'),
      queryNorm: norm('query', 6),
      keyNorm: norm('key', 7),
    },
    options: { style, eps: norms && 1e-5, unitOffset },
  })
}

/** A device may have this op or do without: callers take its parts where it has no kernel. */
export const ropeAppendConformance: readonly DeviceCase[] = [
  ropeAppendCase('one token, f32', { heads: 9, kvHeads: 3, headDim: 64, capacity: 12, at: [[7]], dtype: 'f32' }),
  ropeAppendCase('one token, f16, with norms', {
    heads: 4,
    kvHeads: 1,
    headDim: 80,
    capacity: 12,
    at: [[11]],
    dtype: 'f16',
    norms: 'both',
    unitOffset: true,
  }),
  ropeAppendCase('a batch at unequal positions, part of each head, pairs of neighbours', {
    heads: 2,
    kvHeads: 2,
    headDim: 10,
    rotary: 6,
    capacity: 9,
    at: [
      [0, 1, 2],
      [4, 5, 6],
    ],
    dtype: 'f32',
    style: 'gptj',
  }),
  ropeAppendCase('tokens past the end of the cache, an odd head size', {
    heads: 3,
    kvHeads: 1,
    headDim: 7,
    rotary: 4,
    capacity: 4,
    at: [[2, 3, 4, 5]],
    dtype: 'f32',
    norms: 'query',
  }),
  ropeAppendCase('values of another size and type', {
    heads: 2,
    kvHeads: 1,
    headDim: 8,
    valueDim: 70,
    capacity: 6,
    at: [[1, 2]],
    dtype: 'f32',
    valueDtype: 'f16',
    norms: 'key',
  }),
  ropeAppendCase('pages that are used again, f16', {
    heads: 4,
    kvHeads: 2,
    headDim: 16,
    capacity: 4,
    at: [
      [6, 7, 8, 9, 10],
      [0, 1, 2, 3, 4],
    ],
    dtype: 'f16',
    norms: 'both',
    table: [
      [4, 0],
      [1, 3],
    ],
  }),
]
