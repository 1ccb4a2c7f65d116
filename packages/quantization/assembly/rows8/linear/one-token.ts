import { argument, beginPages, floatArgument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { quantizeRow, recordBytes } from '../activations'
import { codesAt, groupBytesAt } from '../layout'
import { finishTokenBy } from '../token/finish-by'
import { addZero } from '../token/dot-add'
import { areSideBySide, isWideToken, tokenSums, tokenZero } from '../token/sums'
import { tokenSumsAdd } from '../token/sums-add'
import {
  blocksOf,
  COLUMNS,
  INPUT_SCALE,
  layoutOf,
  REST,
  ROUNDING,
  ROWS,
  SCRATCH,
  SCRATCH_BYTES,
  SHIFT,
  TAIL,
  WEIGHT,
  X,
} from './arguments'
import { storeToken8 } from './store'

// One token times a weight. Threads share the groups of 8 rows.

/**
 * Bytes by which the product of one token touches the pages of its weight ahead of use, where groups are contiguous.
 */
const AHEAD: usize = 24576

/** Groups that one pass goes over: memory serves this many streams faster than one. */
const STREAMS: u32 = 4

/** y for one token with int8 activations. Each thread quantizes x for itself, which is cheaper than a barrier. */
export function gemvInt8(args: usize, thread: u32, threads: u32): void {
  tokenProduct(args, argument(args, X), false, false, thread, threads)
}

/** The same by products that add to 32 bits, the same sums. */
export function gemvDotAdd(args: usize, thread: u32, threads: u32): void {
  tokenProduct(args, argument(args, X), true, false, thread, threads)
}

/** Whether records of x have 16 bits, with products that add to 32 bits or without. */
@inline
export function isWideFor(args: usize, adds: bool): bool {
  return !adds && isWideToken(codesAt(layoutOf(args)))
}

/** The zero that the fields of records have. */
export function zeroFor(args: usize, adds: bool): i32 {
  const layout = layoutOf(args)
  return adds ? addZero(layout, argument(args, SHIFT)) : tokenZero(layout)
}

@inline
function sumsFor(
  adds: bool,
  args: usize,
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  sums: usize,
  span: usize,
  bytes: usize,
): void {
  const layout = layoutOf(args)
  if (ASC_FEATURE_RELAXED_SIMD && adds)
    tokenSumsAdd(layout, p, streams, distance, x, blocks, sums, span, args + (SHIFT << 2), bytes)
  else tokenSums(layout, p, streams, distance, x, blocks, sums, span, bytes)
}

/**
 * y for the token at x; `adds` by products that add to 32 bits. With `isRounded`, the thread's scratch still holds the
 * records of x from an earlier product with records of the same kind.
 */
export function tokenProduct(args: usize, x: usize, adds: bool, isRounded: bool, thread: u32, threads: u32): void {
  const layout = layoutOf(args)
  const wide = isWideFor(args, adds)
  const blocks = blocksOf(args)
  const out: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES)
  const bytes = out + REST
  const sums = bytes + 256
  const span = (<usize>blocks) << 6
  const records = sums + STREAMS * span
  const record = recordBytes(wide, 1)
  const fields = records + (wide ? 64 : 32)
  const groups = (argument(args, ROWS) + 7) >> 3
  const stride = groupBytesAt(layout, blocks)
  const begin = shareBegin(groups, thread, threads)
  const end = shareEnd(groups, thread, threads)
  const last = argument(args, WEIGHT) + end * stride
  const quarter = adds || areSideBySide(codesAt(layout)) ? (end - begin) / STREAMS : 0
  const rest = begin + STREAMS * quarter
  const distance = quarter * stride
  let group = argument(args, WEIGHT) + rest * stride
  let begun = beginPages(group, group + AHEAD, last, out)
  if (!isRounded)
    quantizeRow(
      x,
      argument(args, COLUMNS),
      argument(args, ROUNDING),
      floatArgument(args, INPUT_SCALE),
      records,
      wide,
      1,
      0,
      zeroFor(args, adds),
      false,
      out + TAIL,
    )
  for (let g = begin, p = argument(args, WEIGHT) + begin * stride; g < begin + quarter; g++, p += stride) {
    sumsFor(adds, args, p, STREAMS, distance, records, blocks, sums, span, bytes)
    for (let s: u32 = 0; s < STREAMS; s++) {
      finishTokenBy(layout, p + s * distance, fields, record, blocks, sums + s * span, out)
      storeToken8(args, g + s * quarter, out)
    }
  }
  for (let g = rest; g < end; g++, group += stride) {
    sumsFor(adds, args, group, 1, stride, records, blocks, sums, span, bytes)
    // The rest of the group's work reads the cache, so memory is free to fetch what comes next.
    begun = beginPages(begun, group + stride + AHEAD, last, out)
    finishTokenBy(layout, group, fields, record, blocks, sums, out)
    storeToken8(args, g, out)
  }
}
