import { conformanceCase, type DeviceCase, normal, type OpProblem, values } from '@tessera-llm/testing'
import { type AttentionInputs, type AttentionOptions, attentionOp } from '../../src/index.ts'
import { cachedProblems } from './attention-cache.ts'
import { causal, flags, lengths, poisoned, problem, type Side, slopes } from './attention-problem.ts'

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
/** Those with packed sequences, which the others are without. */
export const packedProblems: readonly OpProblem<AttentionInputs, AttentionOptions>[] = [
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

export const attentionProblems: readonly OpProblem<AttentionInputs, AttentionOptions>[] = [
  ...batches,
  ...cachedProblems,
  ...variants,
]

export const attentionConformance: readonly DeviceCase[] = attentionProblems.map((one) =>
  conformanceCase(attentionOp, one),
)
export const crowdedConformance: DeviceCase = conformanceCase(attentionOp, crowded)
export const packedConformance: readonly DeviceCase[] = packedProblems.map((one) => conformanceCase(attentionOp, one))
