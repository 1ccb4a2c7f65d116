import { type DType, encodeElements, type Shape, sizeOf } from '@tessera-llm/tensor'
import { conformanceCase, type DeviceCase, type HostValue, normal, type OpProblem, values } from '@tessera-llm/testing'
import {
  alibiSlopes,
  type AttentionInputs,
  type AttentionOptions,
  attentionOp,
  groupFormat,
  type KvFormat,
  type Layout,
  rowFormat,
} from '../../src/index.ts'
import { packedRows } from '../support/packed-rows.ts'

interface Sizes {
  readonly batch?: number
  readonly heads: number
  readonly kvHeads?: number
  readonly rows: number
  readonly keys: number
  readonly headDim?: number
  readonly valueDim?: number
  readonly layout?: Layout
  readonly kvLayout?: Layout
  readonly dtype?: DType
}

type Side = { readonly [K in keyof Omit<AttentionInputs, 'q' | 'k' | 'v'>]?: HostValue }

/** A problem of random q, k and v in the layouts that the sizes name. */
export function problem(
  name: string,
  sizes: Sizes,
  options: AttentionOptions = {},
  side: Side = {},
): OpProblem<AttentionInputs, AttentionOptions> {
  const {
    batch = 1,
    heads,
    kvHeads = heads,
    rows,
    keys,
    headDim = 64,
    valueDim = headDim,
    layout = 'bhld',
    kvLayout = layout,
    dtype = 'f32',
  } = sizes
  const shape = (order: Layout, count: number, length: number, width: number): Shape =>
    order === 'bhld' ? [batch, count, length, width] : [batch, length, count, width]
  return {
    name,
    inputs: {
      q: normal(shape(layout, heads, rows, headDim), { seed: 11 }),
      k: normal(shape(kvLayout, kvHeads, keys, headDim), { seed: 12, dtype }),
      v: normal(shape(kvLayout, kvHeads, keys, valueDim), { seed: 13, dtype }),
      kvLengths: undefined,
      cuSeqLens: undefined,
      cuSeqLensKv: undefined,
      blockTable: undefined,
      sinks: undefined,
      alibiSlopes: undefined,
      bias: undefined,
      mask: undefined,
      ...side,
    },
    options: { layout, kvLayout, ...options },
  }
}

const causal = { isCausal: true } as const
const lengths = (...counts: readonly number[]): HostValue => values([counts.length], counts, 'i32')
const flags = (shape: Shape, isShown: (index: number) => boolean): HostValue =>
  values(
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) => (isShown(i) ? 1 : 0)),
    'u8',
  )
const slopes = (heads: number): HostValue => values([heads], alibiSlopes(heads))

/** k or v of a cache with NaN in the rows from `length` on, which must not matter. */
function poisoned(shape: Shape, counts: readonly number[], dtype: DType, seed: number): HostValue {
  const { data } = normal(shape, { seed })
  const [batch = 0, heads = 0, capacity = 0, width = 0] = shape
  const numbers = Float64Array.from(data as Float32Array)
  for (let at = 0; at < batch * heads; at++)
    numbers.fill(
      Number.NaN,
      (at * capacity + (counts[Math.floor(at / heads)] as number)) * width,
      (at + 1) * capacity * width,
    )
  return { dtype, shape, data: encodeElements(numbers, dtype) }
}

/** Padding that a mask hides, by key and by bias, with NaN in it. */
function padded(name: string, side: Side): OpProblem<AttentionInputs, AttentionOptions> {
  const base = problem(name, { batch: 2, heads: 4, kvHeads: 2, rows: 5, keys: 40, headDim: 16 }, {}, side)
  return {
    ...base,
    inputs: {
      ...base.inputs,
      k: poisoned([2, 2, 40, 16], [33, 20], 'f32', 12),
      v: poisoned([2, 2, 40, 16], [33, 20], 'f32', 13),
    },
  }
}

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
 * The keys of `cached` in pages: page p of sequence b is a random one of more than there are, all others and the rows that are not filled
 * hold NaN. With more keys than `pages` hold, the last ones are in a ring.
 */
function paged(
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

const batches: readonly OpProblem<AttentionInputs, AttentionOptions>[] = [
  problem('MHA, all see all', { batch: 2, heads: 3, rows: 33, keys: 33, headDim: 32 }),
  problem('MHA, cold causal prefill of 70', { heads: 2, rows: 70, keys: 70 }, causal),
  problem('GQA 9/3, cold causal prefill', { heads: 9, kvHeads: 3, rows: 40, keys: 40 }, causal),
  problem('MQA 5/1, batch of 2', { batch: 2, heads: 5, kvHeads: 1, rows: 17, keys: 17 }, causal),
  problem('keys in f16', { heads: 4, kvHeads: 2, rows: 20, keys: 45, dtype: 'f16' }, causal),
  problem('one row, one key', { heads: 1, rows: 1, keys: 1, headDim: 16 }, causal),
  problem('no key', { heads: 2, rows: 3, keys: 0, headDim: 16 }),
  problem(
    'axes [B, L, H, D]',
    { batch: 2, heads: 4, kvHeads: 2, rows: 19, keys: 35, headDim: 32, layout: 'blhd' },
    causal,
  ),
  problem('more rows than keys', { heads: 2, rows: 40, keys: 9, headDim: 32 }, causal),
  problem('values narrower than keys', { heads: 2, rows: 18, keys: 34, headDim: 64, valueDim: 40 }, causal),
  problem('values wider than keys', { heads: 4, kvHeads: 1, rows: 9, keys: 34, headDim: 24, valueDim: 96 }, causal),
  problem('no LSE', { heads: 2, rows: 9, keys: 9, headDim: 16 }, { returnLse: false }),
  ...[16, 80, 96, 128, 256].map((headDim) =>
    problem(`head size ${headDim}`, { heads: 2, kvHeads: 1, rows: 13, keys: 37, headDim }, causal),
  ),
  ...[1, 5, 18, 67].map((headDim) =>
    problem(
      `head size ${headDim}, read by the element`,
      { heads: 2, kvHeads: 1, rows: 7, keys: 35, headDim, valueDim: headDim + 2 },
      causal,
    ),
  ),
  problem(
    'head size 7 in f16',
    { heads: 2, kvHeads: 1, rows: 3, keys: 35, headDim: 7, valueDim: 9, dtype: 'f16' },
    causal,
  ),
]

const caches: readonly OpProblem<AttentionInputs, AttentionOptions>[] = [
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

const pages: readonly OpProblem<AttentionInputs, AttentionOptions>[] = [
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

/** The keys and values of `cached`, packed. Of formats of groups the first `grouped` tokens are in groups, the others in the ring. */
function quantized(
  name: string,
  [kFormat, vFormat]: readonly [KvFormat, KvFormat],
  sizes: Sizes & { readonly counts: readonly number[]; readonly grouped?: readonly number[] },
  options: AttentionOptions = causal,
  side: Side = {},
): OpProblem<AttentionInputs, AttentionOptions> {
  const { counts, grouped, heads, kvHeads = heads, keys, headDim = 64, valueDim = headDim } = sizes
  const base = problem(
    `${name}, ${kFormat.id}, ${vFormat.id}`,
    { ...sizes, batch: counts.length, layout: 'blhd', kvLayout: 'bhld' },
    options,
    { kvLengths: lengths(...counts), ...side },
  )
  const pack = (format: KvFormat, width: number, seed: number): ReturnType<typeof packedRows> => {
    const shape = [counts.length, kvHeads, keys, width]
    return packedRows(format, shape, normal(shape, { seed }).data as Float32Array, counts, grouped)
  }
  return { ...base, inputs: { ...base.inputs, k: pack(kFormat, headDim, 12), v: pack(vFormat, valueDim, 13) } }
}

/** The keys of `paged` in rows of bytes. */
function quantizedPages(
  name: string,
  format: KvFormat,
  sizes: Parameters<typeof paged>[1],
  options: AttentionOptions = causal,
): OpProblem<AttentionInputs, AttentionOptions> {
  const base = paged(`${name}, ${format.id}`, sizes, options)
  const pack = (value: HostValue): ReturnType<typeof packedRows> =>
    packedRows(
      format,
      value.shape,
      (value.data as Float32Array).map((one) => (Number.isNaN(one) ? 0 : one)),
      Array.from({ length: value.shape[0] ?? 0 }, () => value.shape[2] ?? 0),
    )
  return {
    ...base,
    inputs: { ...base.inputs, k: pack(base.inputs.k as HostValue), v: pack(base.inputs.v as HostValue) },
  }
}

const quantizedKinds = [
  [rowFormat('int8'), rowFormat('int8')],
  [rowFormat('fp8'), rowFormat('fp8')],
  [groupFormat(8, 'channel', 160), rowFormat('int8')],
  [groupFormat(8, 'channel', 160), groupFormat(8, 'token', 160)],
  [groupFormat(4, 'channel', 160), groupFormat(4, 'token', 160)],
  [groupFormat(2, 'channel', 160), groupFormat(2, 'token', 160)],
] as const
const packedCaches: readonly OpProblem<AttentionInputs, AttentionOptions>[] = [
  ...quantizedKinds.flatMap((formats) => [
    quantized('decode', formats, { heads: 9, kvHeads: 3, rows: 1, keys: 300, counts: [290, 33], grouped: [192, 0] }),
    quantized(
      'decode with a window',
      formats,
      { heads: 4, kvHeads: 2, rows: 2, keys: 260, headDim: 48, counts: [250, 129], grouped: [224, 128] },
      { isCausal: true, windowLeft: 109 },
    ),
    quantized(
      'decode of narrow values and few keys',
      formats,
      { heads: 2, kvHeads: 1, rows: 1, keys: 70, headDim: 32, valueDim: 12, counts: [7, 64], grouped: [0, 64] },
      causal,
      { sinks: normal([2]) },
    ),
    quantized('decode of three heads and two', formats, {
      heads: 5,
      kvHeads: 1,
      rows: 1,
      keys: 200,
      headDim: 48,
      valueDim: 40,
      counts: [180],
      grouped: [160],
    }),
    quantized('append', formats, { heads: 6, kvHeads: 2, rows: 20, keys: 200, counts: [190, 50], grouped: [160, 0] }),
  ]),
  quantized(
    'decode of a head size of 20 with a softcap',
    [rowFormat('int8'), rowFormat('int8')],
    { heads: 2, kvHeads: 1, rows: 1, keys: 40, headDim: 20, counts: [39] },
    { isCausal: true, softcap: 4 },
  ),
  quantizedPages('decode in pages', rowFormat('int8'), {
    heads: 4,
    kvHeads: 2,
    rows: 1,
    pages: 6,
    pageRows: 32,
    counts: [150, 40],
  }),
  quantizedPages(
    'decode in a ring',
    rowFormat('int8'),
    { heads: 4, kvHeads: 2, rows: 1, pages: 4, pageRows: 32, counts: [333, 129] },
    { isCausal: true, windowLeft: 100 },
  ),
  quantizedPages('append to pages', rowFormat('fp8'), {
    heads: 4,
    kvHeads: 2,
    rows: 9,
    pages: 6,
    pageRows: 16,
    headDim: 32,
    counts: [90, 12],
  }),
]

const variants: readonly OpProblem<AttentionInputs, AttentionOptions>[] = [
  problem('causal window of 10', { heads: 2, rows: 75, keys: 75, headDim: 32 }, { isCausal: true, windowLeft: 9 }),
  problem(
    'window of 0 before and 4 after',
    { heads: 2, rows: 40, keys: 50, headDim: 32 },
    { windowLeft: 0, windowRight: 4 },
  ),
  problem('window to the right alone', { heads: 2, rows: 20, keys: 50, headDim: 32 }, { windowRight: 3 }),
  problem('softcap', { heads: 4, kvHeads: 2, rows: 21, keys: 40 }, { isCausal: true, softcap: 3, scale: 1 }),
  problem('softcap far beyond its range', { heads: 2, rows: 5, keys: 20 }, { softcap: 0.5, scale: 40 }),
  problem('a negative scale', { heads: 2, rows: 5, keys: 20 }, { scale: -0.3 }),
  problem('sinks, some of them absent', { heads: 4, kvHeads: 2, rows: 20, keys: 9 }, causal, {
    sinks: values([4], [2, -1, Number.NEGATIVE_INFINITY, 30]),
  }),
  problem('ALiBi both ways', { heads: 6, rows: 33, keys: 40, headDim: 32 }, {}, { alibiSlopes: slopes(6) }),
  problem(
    'bias per head and pair',
    { batch: 2, heads: 3, rows: 11, keys: 37, headDim: 32 },
    {},
    { bias: normal([2, 3, 11, 37], { scale: 2, seed: 5 }) },
  ),
  problem(
    'bias that hides all keys of a row',
    { heads: 2, rows: 3, keys: 5, headDim: 16 },
    {},
    {
      bias: values(
        [1, 1, 3, 5],
        Array.from({ length: 15 }, (_, i) =>
          i < 5 ? ([-1e38, -3.4e38, Number.NEGATIVE_INFINITY, -2e38, -1e38][i] as number) : i / 7,
        ),
      ),
    },
  ),
  problem('mask per key', { batch: 2, heads: 3, rows: 9, keys: 37, headDim: 32 }, causal, {
    mask: flags([2, 1, 1, 37], (i) => i % 37 < 30 && i % 3 !== 0),
  }),
  padded('a mask over padding that holds NaN', { mask: flags([2, 1, 1, 40], (i) => i % 40 < (i < 40 ? 33 : 20)) }),
  padded('a bias over padding that holds NaN', {
    bias: values(
      [2, 1, 1, 40],
      Array.from({ length: 80 }, (_, i) => (i % 40 < (i < 40 ? 33 : 20) ? 0.1 : Number.NEGATIVE_INFINITY)),
    ),
  }),
  problem(
    'mask per head and pair, with dead rows',
    { heads: 3, rows: 10, keys: 41, headDim: 32 },
    {},
    { mask: flags([1, 3, 10, 41], (i) => Math.floor(i / 41) % 4 !== 1 && (i * 7) % 5 < 2) },
  ),
  problem(
    'everything at once',
    { batch: 2, heads: 6, kvHeads: 2, rows: 12, keys: 70, headDim: 40, valueDim: 24 },
    { isCausal: true, windowLeft: 40, softcap: 8 },
    {
      kvLengths: lengths(70, 41),
      sinks: normal([6]),
      alibiSlopes: slopes(6),
      bias: normal([1, 1, 12, 70]),
      mask: flags([1, 6, 1, 70], (i) => i % 5 !== 0),
    },
  ),
  problem('scores of a thousand', { heads: 2, rows: 20, keys: 50, headDim: 16 }, { scale: 100 }),
]

const packedSizes = { heads: 4, kvHeads: 2, layout: 'blhd' } as const
const packed: readonly OpProblem<AttentionInputs, AttentionOptions>[] = [
  problem('packed sequences, one of them empty', { ...packedSizes, rows: 76, keys: 76, headDim: 32 }, causal, {
    cuSeqLens: lengths(0, 5, 5, 42, 43, 76),
  }),
  problem(
    'packed sequences that end before the axes do',
    { ...packedSizes, rows: 20, keys: 20, headDim: 16 },
    {},
    { cuSeqLens: lengths(0, 9, 17), sinks: normal([4]) },
  ),
  problem(
    'packed rows over longer keys',
    { ...packedSizes, rows: 13, keys: 90, headDim: 32, layout: 'bhld' },
    { isCausal: true, windowLeft: 20 },
    { cuSeqLens: lengths(0, 3, 4, 13), cuSeqLensKv: lengths(0, 40, 41, 90), alibiSlopes: slopes(4) },
  ),
  problem('packed rows over fewer keys', { ...packedSizes, rows: 40, keys: 30, headDim: 16 }, causal, {
    cuSeqLens: lengths(0, 12, 20, 40),
    cuSeqLensKv: lengths(0, 5, 20, 30),
  }),
]

/** More workgroups than decode wants, so that each takes all keys of its rows, tile after tile. */
const crowded: OpProblem<AttentionInputs, AttentionOptions> = problem(
  'decode of 260 sequences',
  { batch: 260, heads: 4, kvHeads: 2, rows: 1, keys: 130, headDim: 8 },
  causal,
)

/** The problems without packed sequences, and those with them. */
export const attentionProblems: readonly OpProblem<AttentionInputs, AttentionOptions>[] = [
  ...batches,
  ...caches,
  ...variants,
]
export const packedProblems: readonly OpProblem<AttentionInputs, AttentionOptions>[] = packed
/** Those with a block table. */
export const pagedProblems: readonly OpProblem<AttentionInputs, AttentionOptions>[] = pages

export const attentionConformance: readonly DeviceCase[] = attentionProblems.map((one) =>
  conformanceCase(attentionOp, one),
)
export const quantizedProblems: readonly OpProblem<AttentionInputs, AttentionOptions>[] = packedCaches
export const quantizedConformance: readonly DeviceCase[] = quantizedProblems.map((one) =>
  conformanceCase(attentionOp, one),
)
/** For kernels that round neither queries nor weights: all but decode on WebAssembly. */
export const exactQuantizedConformance: readonly DeviceCase[] = quantizedConformance.map((one) => ({
  ...one,
  run: (device, reference, options) =>
    one.run(device, reference, { ...options, tolerance: { atol: 3e-4, rtol: 3e-4, nmse: 1e-7 } }),
}))
export const pagedConformance: readonly DeviceCase[] = pagedProblems.map((one) => conformanceCase(attentionOp, one))
export const crowdedConformance: DeviceCase = conformanceCase(attentionOp, crowded)
export const packedConformance: readonly DeviceCase[] = packedProblems.map((one) => conformanceCase(attentionOp, one))
