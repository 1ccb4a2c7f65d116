import { encodeElements } from '@tessera-llm/tensor'
import { conformanceCase, type DeviceCase, type HostValue, normal, type OpProblem, values } from '@tessera-llm/testing'
import { type AttentionInputs, type AttentionOptions, attentionOp } from '../../src/index.ts'
import { causal, lengths, poisoned, problem, type Side, type Sizes, slopes } from './attention-problem.ts'

/** A cache of which `counts` rows are filled, in the layout that the runtime uses. */
function cached(
  name: string,
  sizes: Sizes & { readonly counts: readonly number[] },
  options: AttentionOptions = causal,
  side: Side = {},
): OpProblem<AttentionInputs, AttentionOptions> {
  const { counts, heads, kvHeads = heads, keys, headDim = 64, valueDim = headDim, dtype = 'f32' } = sizes
  const base = problem(name, { ...sizes, batch: counts.length, layout: 'blhd', kvLayout: 'bhld' }, options, {
    kvLengths: lengths(...counts),
    ...side,
  })
  const k = poisoned([counts.length, kvHeads, keys, headDim], counts, dtype, 12)
  const v = poisoned([counts.length, kvHeads, keys, valueDim], counts, dtype, 13)
  return { ...base, inputs: { ...base.inputs, k, v } }
}

/**
 * The keys of `cached` in pages: page p of sequence b is a random one of more than there are, all others and the rows
 * that are not filled hold NaN. With more keys than `pages` hold, the last ones are in a ring.
 */
export function paged(
  name: string,
  sizes: Omit<Sizes, 'keys'> & {
    readonly counts: readonly number[]
    readonly pages: number
    readonly pageRows: number
  },
  options: AttentionOptions = causal,
  side: Side = {},
): OpProblem<AttentionInputs, AttentionOptions> {
  const { counts, pages, pageRows, heads, kvHeads = heads, headDim = 64, valueDim = headDim, dtype = 'f32' } = sizes
  const base = problem(name, { ...sizes, keys: 1, batch: counts.length, layout: 'blhd', kvLayout: 'bhld' }, options, {
    kvLengths: lengths(...counts),
    ...side,
  })
  const total = counts.length * pages + 3
  const places = Array.from({ length: total }, (_, index) => (index * 7 + 3) % total)
  const fill = (width: number, seed: number): HostValue => {
    const { data } = normal([counts.length, Math.max(...counts), kvHeads, width], { seed })
    const numbers = new Float64Array(total * kvHeads * pageRows * width).fill(Number.NaN)
    for (const [b, count] of counts.entries()) {
      for (let j = Math.max(0, count - pages * pageRows); j < count; j++) {
        const page = places[b * pages + (Math.floor(j / pageRows) % pages)] as number
        for (let head = 0; head < kvHeads; head++) {
          const from = ((b * Math.max(...counts) + j) * kvHeads + head) * width
          numbers.set(
            (data as Float32Array).subarray(from, from + width),
            ((page * kvHeads + head) * pageRows + (j % pageRows)) * width,
          )
        }
      }
    }
    return { dtype, shape: [total, kvHeads, pageRows, width], data: encodeElements(numbers, dtype) }
  }
  return {
    ...base,
    inputs: {
      ...base.inputs,
      k: fill(headDim, 12),
      v: fill(valueDim, 13),
      blockTable: values([counts.length, pages], places.slice(0, counts.length * pages), 'i32'),
    },
  }
}

export const cachedProblems: readonly OpProblem<AttentionInputs, AttentionOptions>[] = [
  cached('decode in a cache', { heads: 9, kvHeads: 3, rows: 1, keys: 256, counts: [77] }),
  cached('decode in an f16 cache', { heads: 8, kvHeads: 1, rows: 1, keys: 300, counts: [300, 1], dtype: 'f16' }),
  cached('decode in an f16 cache, by threes', {
    heads: 9,
    kvHeads: 3,
    rows: 1,
    keys: 256,
    counts: [203],
    dtype: 'f16',
  }),
  cached('decode in an f16 cache, three rows and two', {
    heads: 10,
    kvHeads: 2,
    rows: 1,
    keys: 140,
    headDim: 72,
    counts: [139, 3],
    dtype: 'f16',
  }),
  cached('decode by four rows and three', { heads: 7, kvHeads: 1, rows: 1, keys: 133, headDim: 40, counts: [133] }),
  cached('decode of a batch of unequal lengths', {
    heads: 4,
    kvHeads: 2,
    rows: 1,
    keys: 200,
    headDim: 80,
    counts: [1, 64, 65, 200],
  }),
  cached('decode in an empty cache', { heads: 2, rows: 1, keys: 64, headDim: 32, counts: [0] }),
  cached('lengths beyond the capacity', { heads: 2, rows: 2, keys: 33, headDim: 32, counts: [33] }, causal, {
    kvLengths: lengths(99),
  }),
  cached('append 33 to 50', { heads: 6, kvHeads: 2, rows: 33, keys: 128, counts: [83] }),
  cached('append 3 to 200 in f16', { heads: 14, kvHeads: 2, rows: 3, keys: 256, counts: [203], dtype: 'f16' }),
  cached(
    'decode with a window',
    { heads: 4, kvHeads: 1, rows: 1, keys: 512, counts: [400, 20] },
    { isCausal: true, windowLeft: 100 },
  ),
  cached(
    'decode of a group of four in f16 with a window',
    { heads: 4, kvHeads: 1, rows: 1, keys: 512, counts: [401, 23], dtype: 'f16' },
    { isCausal: true, windowLeft: 100 },
  ),
  cached('decode of head size 256', { heads: 4, kvHeads: 1, rows: 1, keys: 150, headDim: 256, counts: [149] }),
  cached('decode of a wide group', { heads: 71, kvHeads: 1, rows: 1, keys: 130, counts: [130] }),
  cached('decode of a long context', { heads: 4, kvHeads: 2, rows: 1, keys: 2048, headDim: 16, counts: [2000] }),
  problem(
    'decode of a group of 12 with a score far above the others',
    { heads: 12, kvHeads: 1, rows: 1, keys: 64, headDim: 16 },
    {},
    {
      bias: values(
        [1, 1, 1, 64],
        Array.from({ length: 64 }, (_, i) => (i === 21 ? 500 : 0)),
      ),
    },
  ),
  cached('decode with sinks and ALiBi', { heads: 8, kvHeads: 2, rows: 1, keys: 192, counts: [190, 3] }, causal, {
    sinks: normal([8], { scale: 3 }),
    alibiSlopes: slopes(8),
  }),
]

/** Those with a block table. */
export const pagedProblems: readonly OpProblem<AttentionInputs, AttentionOptions>[] = [
  paged('decode in pages', { heads: 9, kvHeads: 3, rows: 1, pages: 9, pageRows: 32, counts: [200, 33] }),
  paged('decode in f16 pages of 16 rows', {
    heads: 4,
    kvHeads: 1,
    rows: 2,
    pages: 20,
    pageRows: 16,
    counts: [1, 300, 17],
    dtype: 'f16',
  }),
  paged(
    'decode in a ring',
    { heads: 4, kvHeads: 1, rows: 1, pages: 5, pageRows: 32, headDim: 40, valueDim: 24, counts: [1000, 161, 20] },
    { isCausal: true, windowLeft: 149 },
  ),
  paged('decode in a ring of no window', {
    heads: 2,
    rows: 1,
    pages: 2,
    pageRows: 64,
    headDim: 32,
    counts: [300, 129],
  }),
  paged('append to pages', { heads: 6, kvHeads: 2, rows: 33, pages: 8, pageRows: 32, counts: [200, 40] }, causal, {
    sinks: normal([6]),
    alibiSlopes: slopes(6),
  }),
  paged(
    'append to a ring of f16',
    { heads: 4, kvHeads: 1, rows: 20, pages: 4, pageRows: 16, headDim: 32, counts: [333, 70], dtype: 'f16' },
    { isCausal: true, windowLeft: 40, softcap: 5 },
  ),
  paged('pages of 5 rows', { heads: 2, rows: 3, pages: 7, pageRows: 5, headDim: 16, counts: [34, 50] }),
  paged('pages of an empty sequence', { heads: 2, rows: 2, pages: 2, pageRows: 32, headDim: 16, counts: [0, 3] }),
]

export const pagedConformance: readonly DeviceCase[] = pagedProblems.map((one) => conformanceCase(attentionOp, one))
