import { conformanceCase, type DeviceCase, type HostValue, normal, type OpProblem, values } from '@tessera-llm/testing'
import {
  type AttentionInputs,
  type AttentionOptions,
  attentionOp,
  groupFormat,
  type KvFormat,
  rowFormat,
} from '../../src/index.ts'
import { packedRows } from '../support/packed-rows.ts'
import { paged } from './attention-cache.ts'
import { causal, lengths, problem, type Side, type Sizes } from './attention-problem.ts'

/**
 * The keys and values of `cached`, packed. Of formats of groups the first `grouped` tokens are in groups, the others in
 * the ring.
 */
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

/**
 * Queries of ones and keys of which one in 33 is all ones and the others zeros: sums of products of the largest codes,
 * with heads so wide that codes of 8 bits and queries of 15 would not fit 32 bits. Groups have codes of up to 255, rows
 * of up to 127.
 */
function largestSums(heads: number, format: KvFormat): OpProblem<AttentionInputs, AttentionOptions> {
  const [width, keys] = [544, 64]
  const formats = [format, rowFormat('int8')] as const
  const base = quantized(`decode of the largest sums, ${heads} heads`, formats, {
    heads,
    kvHeads: 1,
    rows: 1,
    keys,
    headDim: width,
    valueDim: 8,
    counts: [keys],
    grouped: [keys],
  })
  const ones = Float32Array.from({ length: keys * width }, (_, index) => (Math.floor(index / width) % 33 === 0 ? 1 : 0))
  return {
    ...base,
    inputs: {
      ...base.inputs,
      q: values([1, 1, heads, width], new Array<number>(heads * width).fill(1)),
      k: packedRows(formats[0], [1, 1, keys, width], ones, [keys], [keys]),
    },
    options: { ...base.options, scale: 1 / 128 },
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
export const quantizedProblems: readonly OpProblem<AttentionInputs, AttentionOptions>[] = [
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
  ...[1, 2, 3].flatMap((heads) =>
    [groupFormat(8, 'channel', 96), rowFormat('int8')].map((format) => largestSums(heads, format)),
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

export const quantizedConformance: readonly DeviceCase[] = quantizedProblems.map((one) =>
  conformanceCase(attentionOp, one),
)
/** For kernels that round neither queries nor weights: all but decode on WebAssembly. */
export const exactQuantizedConformance: readonly DeviceCase[] = quantizedConformance.map((one) => ({
  ...one,
  run: (device, reference, options) =>
    one.run(device, reference, { ...options, tolerance: { atol: 3e-4, rtol: 3e-4, nmse: 1e-7 } }),
}))
