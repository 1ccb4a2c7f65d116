import { argument } from '@tessera-llm/wasm/assembly/lib'
import {
  BATCH,
  BLOCK_TABLE,
  elementShift,
  endVisible,
  F16,
  firstKept,
  firstVisible,
  HEAD_DIM,
  HEADS,
  HIDDEN,
  K,
  K_STORAGE,
  keyAddress,
  keyCount,
  KV_HEADS,
  O,
  PARTIALS,
  Q,
  rowAddress,
  ROWS,
  scaleOf,
  SCRATCH,
  SCRATCH_BYTES,
  SINKS,
  slopeOf,
  softcapOf,
  storeLse,
  STRIDE_K,
  STRIDE_O,
  STRIDE_Q,
  STRIDE_V,
  V,
  V_STORAGE,
  VALUE_DIM,
} from './call'
import { scorePacked, weighPacked } from './packed-decode'
import {
  lineScoresF16,
  lineScoresF32,
  lineValuesF16,
  lineValuesF32,
  pairScoresF16,
  pairScoresF32,
  pairValuesF16,
  pairValuesF32,
  tripleScoresF32,
} from './decode-tiles'
import {
  layQuery,
  QUERY_FACTOR,
  quadScoresF16,
  quadScoresF32,
  quadValuesF16,
  quadValuesF32,
  scoreFactor,
  tripleScoresF16,
  tripleValuesF16,
  tripleValuesF32,
  WEIGHT_FACTOR,
} from './decode-quads'
import { addWeighted, finishScores, scaleRow } from './scores'
import { logOfSum, rescale, subtractedOf, weighKeys } from './softmax'

// Few query rows over many keys. The keys of a KV head are cut into splits of fixed length. A split serves all query
// heads of the group and all rows, so each key and value is read from memory once; a second stage joins the splits.
// Splits count from the first that any row sees, so keys before a window cost nothing.

/** Keys per split: at 64 channels, they fill half of a first-level cache. */
const SPLIT: i32 = 128

/**
 * Least number of keys that are multiplied with all lines before the next are read: 4 kB for 16 keys of 64 channels.
 * They are in one page.
 */
const KEYS_AT_ONCE: i32 = 16

/** Splits `first` … `end` − 1 that hold a key visible to any row: `first` in the low word, `end` in the high word. */
function activeSplits(args: usize, batch: u32): u64 {
  const rows: i32 = argument(args, ROWS)
  const keys = keyCount(args, batch)
  const first = firstVisible(args, keys - rows, firstKept(args, keys))
  const end = endVisible(args, keys - 1, keys)
  if (end <= first) return 0
  return <u64>(first / SPLIT) | ((<u64>((end + SPLIT - 1) / SPLIT)) << 32)
}

/** Bytes of one partial result: sum of values, maximum, sum of weights. */
@inline
function partialBytes(args: usize): usize {
  return (<usize>argument(args, VALUE_DIM) + 4) << 2
}

/** First stage: one split of one KV head at a time. */
export function decodeSplits(args: usize, thread: u32, threads: u32): void {
  const batches = argument(args, BATCH)
  const kvHeads = argument(args, KV_HEADS)
  const scratch: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES)
  const group = argument(args, HEADS) / kvHeads
  const lines = group * argument(args, ROWS)
  const perSplit = lines * partialBytes(args)
  let base: usize = argument(args, PARTIALS)
  let turn: u32 = 0
  for (let batch: u32 = 0; batch < batches; batch++) {
    const active = activeSplits(args, batch)
    const first = <i32>active
    const end = <i32>(active >> 32)
    for (let split = first; split < end; split++) {
      for (let kvHead: u32 = 0; kvHead < kvHeads; kvHead++, base += perSplit) {
        if (turn++ % threads == thread) decodeSplit(args, batch, kvHead, split, group, base, scratch, threads)
      }
    }
  }
}

function decodeSplit(
  args: usize,
  batch: u32,
  kvHead: u32,
  split: i32,
  group: u32,
  partial: usize,
  scores: usize,
  threads: u32,
): void {
  const rows = argument(args, ROWS)
  const valueDim = argument(args, VALUE_DIM)
  const keys = keyCount(args, batch)
  const start = split * SPLIT
  const count = min(SPLIT, keys - start)
  const padded = (count + 3) & ~3
  const lines = group * rows
  const bytes = partialBytes(args)
  const kept = firstKept(args, keys)
  const packed = scores + ((<usize>lines * SPLIT) << 2)
  if (argument(args, K_STORAGE) > F16) scorePacked(args, batch, kvHead, start, count, group, scores, packed)
  else {
    touchAhead(args, batch, kvHead, split, keys, threads, partial)
    scoreDense(args, batch, kvHead, start, count, group, scores, partial, packed)
  }
  const widened = argument(args, V_STORAGE) == F16 ? linesTogether(lines, valueDim) : 0
  for (let line: u32 = 0; line < lines; line++) {
    const head = kvHead * group + line / rows
    const position = keys - <i32>rows + <i32>(line % rows)
    const row = scores + line * (SPLIT << 2)
    const to = partial + line * bytes
    for (let i = count; i < padded; i++) store<f32>(row + (i << 2), 0)
    const largest = finishScores(
      row,
      start,
      padded,
      firstVisible(args, position, kept),
      endVisible(args, position, keys),
      position,
      softcapOf(args),
      slopeOf(args, head),
      0,
      0,
    )
    store<f32>(to + ((<usize>valueDim) << 2), largest)
    store<f32>(
      to + ((<usize>valueDim) << 2),
      weighKeys(row, padded, subtractedOf(largest), line < widened ? WEIGHT_FACTOR : 1),
      4,
    )
    clear(to, (<usize>valueDim) << 2)
  }
  // Keys that no line sees (before a window) must not be multiplied by their zero weights.
  const skip = max(0, firstVisible(args, keys - <i32>rows, kept) - start)
  const until = min(count, endVisible(args, keys - 1, keys) - start)
  if (argument(args, V_STORAGE) > F16)
    weighPacked(args, batch, kvHead, start, skip, until, lines, scores, packed, partial, bytes)
  else weighDense(args, batch, kvHead, start, skip, until, lines, scores, partial, bytes)
}

/**
 * Number of lines processed in threes, so that each key and value is loaded once for three; four lines are two pairs.
 */
export function linesByThrees(lines: u32, width: u32): u32 {
  if ((width & 7) != 0 || lines < 3) return 0
  const rest = lines % 3
  return rest == 1 ? lines - 4 : lines - rest
}

/** Number of lines processed in fours and threes, fours first; the rest of five is a pair. */
function linesTogether(lines: u32, width: u32): u32 {
  return (width & 7) != 0 || lines < 3 ? 0 : lines == 5 ? 3 : lines
}

/** Number of lines, of `left`, that are processed together next. */
@inline
function together(left: u32): u32 {
  return left == 3 || left == 6 || left == 9 ? 3 : 4
}

/** Writes zeros inline: for few bytes, `memory.fill` costs a call out of WebAssembly. */
function clear(to: usize, bytes: usize): void {
  for (const end = to + bytes; to + 16 <= end; to += 16) v128.store(to, i32x4.splat(0))
  for (let rest = (bytes & 15) >> 2; rest > 0; rest--, to += 4) store<f32>(to, 0)
}

/** Address of the query row of a line; lines order by head of the group, then row. */
function queryOf(args: usize, batch: u32, kvHead: u32, group: u32, line: u32): usize {
  const rows = argument(args, ROWS)
  return rowAddress(args, Q, STRIDE_Q, batch, kvHead * group + line / rows, line % rows, 2)
}

/**
 * scores[line][i] = scale · q · k. Multiplies a few keys with all lines while they are in the first-level cache.
 * `scaled` has room for the queries of all lines.
 */
function scoreDense(
  args: usize,
  batch: u32,
  kvHead: u32,
  start: i32,
  count: i32,
  group: u32,
  scores: usize,
  out: usize,
  scaled: usize,
): void {
  const headDim = argument(args, HEAD_DIM)
  const lines = group * argument(args, ROWS)
  const scale = scaleOf(args)
  const shiftK = elementShift(args, K_STORAGE)
  const strideK: usize = (<usize>argument(args, STRIDE_K + 2)) << shiftK
  const touched = keysTouched(args, strideK)
  const many = linesTogether(lines, headDim)
  const queryBytes = (<usize>headDim) << 2
  const factor = scoreFactor(scale, shiftK)
  for (let line: u32 = 0, some: u32 = 0; line < many; line += some) {
    some = together(many - line)
    for (let i: u32 = 0; i < some; i++)
      layQuery(
        queryOf(args, batch, kvHead, group, line + i),
        headDim,
        shiftK == 1 ? QUERY_FACTOR : 1,
        scaled + line * queryBytes,
        i,
        some,
      )
  }
  for (let from = 0; from < count; from += touched) {
    const some = min(touched, count - from)
    const keysAt = keyAddress(args, K, STRIDE_K, batch, kvHead, start + from, shiftK)
    if (strideK == (<usize>headDim) << shiftK) touchQuarters(keysAt, <usize>some * strideK, out)
    let line: u32 = 0
    for (let next: u32 = 0; line < many; line += next) {
      const q = scaled + line * queryBytes
      const s0 = scores + ((<usize>line * SPLIT + from) << 2)
      next = together(many - line)
      if (next == 4) {
        if (shiftK == 1) quadScoresF16(q, keysAt, strideK, some, headDim, factor, s0)
        else quadScoresF32(q, keysAt, strideK, some, headDim, factor, s0)
      } else if (shiftK == 1) tripleScoresF16(q, keysAt, strideK, some, headDim, factor, s0)
      else
        tripleScoresF32(
          queryOf(args, batch, kvHead, group, line),
          queryOf(args, batch, kvHead, group, line + 1),
          queryOf(args, batch, kvHead, group, line + 2),
          keysAt,
          strideK,
          some,
          headDim,
          scale,
          s0,
        )
    }
    for (; line < lines; line += 2) {
      const q0 = queryOf(args, batch, kvHead, group, line)
      const s0 = scores + ((<usize>line * SPLIT + from) << 2)
      if (line + 1 == lines) {
        if (shiftK == 2) lineScoresF32(q0, keysAt, strideK, some, headDim, scale, s0)
        else lineScoresF16(q0, keysAt, strideK, some, headDim, scale, s0)
        continue
      }
      const q1 = queryOf(args, batch, kvHead, group, line + 1)
      if (shiftK == 2) pairScoresF32(q0, q1, keysAt, strideK, some, headDim, scale, s0, s0 + (SPLIT << 2))
      else pairScoresF16(q0, q1, keysAt, strideK, some, headDim, scale, s0, s0 + (SPLIT << 2))
    }
  }
}

/**
 * Keys touched before they are multiplied with all lines. For f16 rows of 64 channels, 16 keys are half a page, too
 * short for the hardware prefetcher.
 */
function keysTouched(args: usize, stride: usize): i32 {
  return argument(args, BLOCK_TABLE) != 0 || stride > 256 ? KEYS_AT_ONCE : stride > 128 ? SPLIT / 2 : SPLIT
}

/** partial[line] += Σ weights · v over keys `skip` … `until` − 1 of the split. */
function weighDense(
  args: usize,
  batch: u32,
  kvHead: u32,
  start: i32,
  skip: i32,
  until: i32,
  lines: u32,
  scores: usize,
  partial: usize,
  bytes: usize,
): void {
  const valueDim = argument(args, VALUE_DIM)
  const shiftV = elementShift(args, V_STORAGE)
  const strideV: usize = (<usize>argument(args, STRIDE_V + 2)) << shiftV
  const many = linesTogether(lines, valueDim)
  const touched = keysTouched(args, strideV)
  for (let from = skip, last = 0; from < until; from = last) {
    last = min((from + touched) & ~(touched - 1), until)
    // Virtual address of row 0 of the split, as if the whole split were contiguous with this part.
    const v = keyAddress(args, V, STRIDE_V, batch, kvHead, start + from, shiftV) - <usize>from * strideV
    if (strideV == (<usize>valueDim) << shiftV)
      touchQuarters(v + <usize>from * strideV, <usize>(last - from) * strideV, partial + ((<usize>valueDim) << 2) + 8)
    let line: u32 = 0
    for (let next: u32 = 0; line < many; line += next) {
      const p0 = scores + ((<usize>line * SPLIT) << 2)
      const o0 = partial + line * bytes
      next = together(many - line)
      if (next == 4) {
        if (shiftV == 1) quadValuesF16(p0, v, strideV, from, last, valueDim, o0, bytes)
        else quadValuesF32(p0, v, strideV, from, last, valueDim, o0, bytes)
      } else if (shiftV == 1) tripleValuesF16(p0, v, strideV, from, last, valueDim, o0, bytes)
      else tripleValuesF32(p0, v, strideV, from, last, valueDim, o0, bytes)
    }
    for (; line < lines; line += 2) {
      const p0 = scores + ((<usize>line * SPLIT) << 2)
      const o0 = partial + line * bytes
      if (line + 1 == lines) {
        if (shiftV == 2) lineValuesF32(p0, v, strideV, from, last, valueDim, o0)
        else lineValuesF16(p0, v, strideV, from, last, valueDim, o0)
      } else if (shiftV == 2) pairValuesF32(p0, p0 + (SPLIT << 2), v, strideV, from, last, valueDim, o0, o0 + bytes)
      else pairValuesF16(p0, p0 + (SPLIT << 2), v, strideV, from, last, valueDim, o0, o0 + bytes)
    }
  }
}

/**
 * Reads one word per cache line from `from` on, in order: tiles read several rows side by side, which the hardware
 * prefetcher does not recognize as a stream. Stores the sum at `out` so that no compiler drops the reads.
 */
export function touch(from: usize, bytes: usize, out: usize): void {
  let a: u32 = 0
  for (const end = from + bytes; from < end; from += 64) a ^= load<u32>(from)
  store<u32>(out, a)
}

/** `touch` for whole splits, interleaving four quarters: on some machines four streams are 1.4 times as fast as one. */
function touchQuarters(from: usize, bytes: usize, out: usize): void {
  const quarter = (bytes >> 2) & ~63
  let a: u32 = 0
  for (const end = from + quarter; from < end; from += 64) {
    const second = from + quarter
    const third = second + quarter
    a ^= load<u32>(from) ^ load<u32>(second) ^ load<u32>(third) ^ load<u32>(third + quarter)
  }
  store<u32>(out, a)
  touch(from + 3 * quarter, bytes - 4 * quarter, out)
}

/**
 * Starts reading ahead: the values of this split, and the keys that this thread will probably take next. A few lines at
 * the start of each page start the hardware prefetcher there; it runs during the products and stops at the end of the
 * page.
 */
function touchAhead(args: usize, batch: u32, kvHead: u32, split: i32, keys: i32, threads: u32, out: usize): void {
  if (argument(args, BLOCK_TABLE) != 0 || argument(args, V_STORAGE) > F16) return
  const heads = argument(args, KV_HEADS)
  const shiftK = elementShift(args, K_STORAGE)
  const shiftV = elementShift(args, V_STORAGE)
  const strideK = (<usize>argument(args, STRIDE_K + 2)) << shiftK
  const strideV = (<usize>argument(args, STRIDE_V + 2)) << shiftV
  const start = split * SPLIT
  const next = kvHead + threads
  const nextStart = start + <i32>(next / heads) * SPLIT
  if (strideV == (<usize>argument(args, VALUE_DIM)) << shiftV)
    touchPages(
      keyAddress(args, V, STRIDE_V, batch, kvHead, start, shiftV),
      <usize>min(SPLIT, keys - start) * strideV,
      out,
    )
  if (nextStart < keys && strideK == (<usize>argument(args, HEAD_DIM)) << shiftK)
    touchPages(
      keyAddress(args, K, STRIDE_K, batch, next % heads, nextStart, shiftK),
      <usize>min(SPLIT, keys - nextStart) * strideK,
      out,
    )
}

function touchPages(from: usize, bytes: usize, out: usize): void {
  let a: u32 = 0
  for (const end = from + bytes; from + 132 <= end; from += 4096)
    a ^= load<u32>(from) ^ load<u32>(from, 64) ^ load<u32>(from, 128)
  store<u32>(out, a)
}

/** Second stage: joins the splits of each row in their order. */
export function decodeJoin(args: usize, thread: u32, threads: u32): void {
  const batches = argument(args, BATCH)
  const kvHeads = argument(args, KV_HEADS)
  const rows = argument(args, ROWS)
  const valueDim = argument(args, VALUE_DIM)
  const group = argument(args, HEADS) / kvHeads
  const lines = group * rows
  const bytes = partialBytes(args)
  const sinks: usize = argument(args, SINKS)
  let base: usize = argument(args, PARTIALS)
  let turn: u32 = 0
  for (let batch: u32 = 0; batch < batches; batch++) {
    const active = activeSplits(args, batch)
    const splits = <u32>(<i32>(active >> 32) - <i32>active)
    for (let kvHead: u32 = 0; kvHead < kvHeads; kvHead++) {
      for (let line: u32 = 0; line < lines; line++) {
        if (turn++ % threads != thread) continue
        const head = kvHead * group + line / rows
        const from = base + (<usize>kvHead * lines + line) * bytes
        const step = <usize>kvHeads * lines * bytes
        joinLine(
          args,
          batch,
          head,
          line % rows,
          from,
          step,
          splits,
          sinks == 0 ? HIDDEN : load<f32>(sinks + (head << 2)),
          valueDim,
        )
      }
    }
    base += <usize>splits * kvHeads * lines * bytes
  }
}

function joinLine(
  args: usize,
  batch: u32,
  head: u32,
  row: u32,
  from: usize,
  step: usize,
  splits: u32,
  sink: f32,
  valueDim: u32,
): void {
  const o = rowAddress(args, O, STRIDE_O, batch, head, row, 2)
  const at: usize = (<usize>valueDim) << 2
  let largest = sink
  for (let i: u32 = 0; i < splits; i++) largest = max(largest, load<f32>(from + i * step + at))
  clear(o, at)
  if (largest <= HIDDEN) {
    storeLse(args, batch, head, row, -Infinity)
    return
  }
  let sum = sink <= HIDDEN ? <f32>0 : rescale(sink, largest)
  for (let i: u32 = 0; i < splits; i++) {
    const part = from + i * step
    const before = load<f32>(part + at)
    if (before <= HIDDEN) continue
    const weight = rescale(before, largest)
    if (weight == 0) continue
    sum += weight * load<f32>(part + at, 4)
    addWeighted(o, weight, part, valueDim, 2)
  }
  scaleRow(o, 1 / sum, valueDim)
  storeLse(args, batch, head, row, logOfSum(largest, sum))
}
