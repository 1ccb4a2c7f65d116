import { argument } from '@tessera-llm/wasm/assembly/lib'
import {
  BLOCK_END,
  BLOCK_ROW,
  blockCount,
  blockRows,
  endSeen,
  firstSeen,
  PLACE_BATCH,
  PLACE_BYTES,
  placeBlock,
  placed,
  positionOffset,
} from '../blocks'
import {
  ALIBI,
  BIAS,
  biasRow,
  elementShift,
  HEAD_DIM,
  HEADS,
  HIDDEN,
  K,
  K_IS_HALF,
  KV_HEADS,
  MASK,
  maskRow,
  O,
  Q,
  rowAddress,
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
  V_IS_HALF,
  VALUE_DIM,
} from '../call'
import { addWeighted, finishScores, scaleRow } from '../scores'
import { logOfSum, rescale, softmaxTile, weigh } from '../softmax'
import { addRows, addRowsCarefully, areFinite, layPanel, layRows, LINE, productTile, TILE } from '../tiles'

// FlashAttention (Dao et al. 2022, arXiv 2205.14135; loop order of FlashAttention-2, 2307.08691): a block of query
// rows, of all heads that share a KV head, passes over tiles of keys with a running maximum and sum. Scores exist for
// four lines and one tile at a time.

// Memory of a block, in this order: place, first and end key of each line [L] i32 each, maxima [L], sums [L], scores
// [4][TILE], queries [L][D], outputs [L][Dv], keys [TILE / 8][D][8], values [TILE][Dv]; L lines, a multiple of 4.
// src/attention/wasm/blocks.ts allocates it.

/** A work unit is a block of one KV head. Units are dealt out round-robin, because later ones see more keys. */
export function flash(args: usize, thread: u32, threads: u32): void {
  const kvHeads = argument(args, KV_HEADS)
  const size = blockRows(argument(args, HEADS) / kvHeads)
  const units = blockCount(args, size) * kvHeads
  const scratch: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES)
  for (let unit = thread; unit < units; unit += threads) {
    placeBlock(args, unit / kvHeads, size, scratch)
    flashBlock(args, unit % kvHeads, scratch)
  }
}

function flashBlock(args: usize, kvHead: u32, place: usize): void {
  const batch: u32 = placed(place, PLACE_BATCH)
  const firstRow: u32 = placed(place, BLOCK_ROW)
  const count: u32 = placed(place, BLOCK_END) - firstRow
  const headDim = argument(args, HEAD_DIM)
  const valueDim = argument(args, VALUE_DIM)
  const group = argument(args, HEADS) / argument(args, KV_HEADS)
  const lines = group * count
  const padded = (lines + 3) & ~3
  const most = group * blockRows(group)
  const firsts = place + PLACE_BYTES
  const ends = firsts + ((<usize>most) << 2)
  const maxima = ends + ((<usize>most) << 2)
  const sums = maxima + ((<usize>most) << 2)
  const scores = sums + ((<usize>most) << 2)
  const queries = scores + 4 * LINE
  const outputs = queries + ((<usize>most * headDim) << 2)
  const panel = outputs + ((<usize>most * valueDim) << 2)
  const ownValues = panel + ((<usize>TILE * headDim) << 2)
  const offset = positionOffset(place)
  const shiftK = elementShift(args, K_IS_HALF)
  const shiftV = elementShift(args, V_IS_HALF)
  const strideK: usize = (<usize>argument(args, STRIDE_K + 2)) << shiftK
  const strideV: usize = (<usize>argument(args, STRIDE_V + 2)) << shiftV
  const isSimple = softcapOf(args) == 0 && (argument(args, ALIBI) | argument(args, BIAS) | argument(args, MASK)) == 0

  memory.fill(queries, 0, (<usize>padded * headDim) << 2)
  memory.fill(outputs, 0, (<usize>padded * valueDim) << 2)
  // The keys that any row of the block sees, and the keys that all of them see.
  let first = i32.MAX_VALUE
  let end = 0
  let openFirst = 0
  let openEnd = i32.MAX_VALUE
  for (let line: u32 = 0; line < padded; line++) {
    // Padding lines see what the last line sees.
    const at = min(line, lines - 1)
    const row = firstRow + (at % count)
    const position = offset + <i32>row
    const from = firstSeen(args, place, position)
    const to = endSeen(args, place, position)
    if (line < lines)
      addWeighted(
        queries + ((<usize>line * headDim) << 2),
        scaleOf(args),
        rowAddress(args, Q, STRIDE_Q, batch, kvHead * group + at / count, row, 2),
        headDim,
        2,
      )
    store<i32>(firsts + (line << 2), from)
    store<i32>(ends + (line << 2), to)
    store<f32>(maxima + (line << 2), HIDDEN)
    store<f32>(sums + (line << 2), 0)
    first = min(first, from)
    end = max(end, to)
    openFirst = max(openFirst, from)
    openEnd = min(openEnd, to)
  }
  for (let start = first; start < end; start += TILE) {
    const width = min(TILE, end - start)
    layPanel(shiftK, rowAddress(args, K, STRIDE_K, batch, kvHead, start, shiftK), strideK, width, headDim, panel)
    let values = rowAddress(args, V, STRIDE_V, batch, kvHead, start, shiftV)
    let stride = strideV
    if (shiftV != 2 || stride != (<usize>valueDim) << 2) {
      layRows(shiftV, 1, values, strideV, width, valueDim, ownValues, (<usize>valueDim) << 2)
      values = ownValues
      stride = (<usize>valueDim) << 2
    }
    const isCareful =
      !(isSimple && openFirst <= start && openEnd >= start + width) && !areFinite(values, stride, width, valueDim)
    for (let line: u32 = 0; line < padded; line += 4) {
      const f = v128.load(firsts + (line << 2))
      const e = v128.load(ends + (line << 2))
      // Columns of the tile that any of the four lines sees, in whole eights.
      const from = max(leastLane(f) - start, 0) & ~7
      const to = (min(greatestLane(e) - start, width) + 7) & ~7
      if (to <= from) continue
      const at = scores + ((<usize>from) << 2)
      const columns = to - from
      const output = outputs + ((<usize>line * valueDim) << 2)
      productTile(
        queries + ((<usize>line * headDim) << 2),
        (<usize>headDim) << 2,
        headDim,
        panel + ((<usize>from * headDim) << 2),
        columns,
        at,
      )
      if (!isSimple || greatestLane(f) > start + from || leastLane(e) < start + to) {
        for (let i: u32 = 0; i < 4; i++) {
          const real = min(line + i, lines - 1)
          const row = firstRow + (real % count)
          const head = kvHead * group + real / count
          finishScores(
            at + i * LINE,
            start + from,
            columns,
            load<i32>(firsts + ((line + i) << 2)),
            load<i32>(ends + ((line + i) << 2)),
            offset + <i32>row,
            softcapOf(args),
            slopeOf(args, head),
            biasRow(args, batch, head, row),
            maskRow(args, batch, head, row),
          )
        }
      }
      const factors = softmaxTile(at, columns, maxima + (line << 2), sums + (line << 2))
      if (v128.any_true(f32x4.ne(factors, f32x4.splat(1)))) scaleFour(output, factors, valueDim)
      const some = min(to, width) - from
      const visible = values + <usize>from * stride
      if (isCareful)
        for (let i: usize = 0; i < 4; i++)
          addRowsCarefully(at + i * LINE, 4, visible, stride, some, valueDim, output + ((i * valueDim) << 2))
      else addRows(at, visible, stride, some, valueDim, output, (<usize>valueDim) << 2)
    }
  }
  for (let line: u32 = 0; line < lines; line++)
    finishLine(
      args,
      batch,
      kvHead * group + line / count,
      firstRow + (line % count),
      load<f32>(maxima + (line << 2)),
      load<f32>(sums + (line << 2)),
      outputs + ((<usize>line * valueDim) << 2),
      valueDim,
    )
}

function leastLane(v: v128): i32 {
  const pairs = i32x4.min_s(v, i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))
  return min(i32x4.extract_lane(pairs, 0), i32x4.extract_lane(pairs, 1))
}

function greatestLane(v: v128): i32 {
  const pairs = i32x4.max_s(v, i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7))
  return max(i32x4.extract_lane(pairs, 0), i32x4.extract_lane(pairs, 1))
}

function scaleFour(rows: usize, factors: v128, width: u32): void {
  const stride: usize = (<usize>width) << 2
  scaleRow(rows, f32x4.extract_lane(factors, 0), width)
  scaleRow(rows + stride, f32x4.extract_lane(factors, 1), width)
  scaleRow(rows + 2 * stride, f32x4.extract_lane(factors, 2), width)
  scaleRow(rows + 3 * stride, f32x4.extract_lane(factors, 3), width)
}

function finishLine(
  args: usize,
  batch: u32,
  head: u32,
  row: u32,
  largest: f32,
  sum: f32,
  output: usize,
  valueDim: u32,
): void {
  const sinks: usize = argument(args, SINKS)
  let factor: f32 = 1
  if (sinks != 0) {
    const sink = load<f32>(sinks + (head << 2))
    const before = largest
    largest = max(largest, sink)
    factor = before <= HIDDEN ? 0 : rescale(before, largest)
    sum = sum * factor + weigh(sink, largest)
  }
  const o = rowAddress(args, O, STRIDE_O, batch, head, row, 2)
  memory.fill(o, 0, (<usize>valueDim) << 2)
  if (largest <= HIDDEN) {
    storeLse(args, batch, head, row, -Infinity)
    return
  }
  addWeighted(o, factor / sum, output, valueDim, 2)
  storeLse(args, batch, head, row, logOfSum(largest, sum))
}
