import { argument, exponential, logarithm } from '@tessera-llm/wasm/assembly/lib'
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
  biasRow,
  elementShift,
  HEAD_DIM,
  HEADS,
  HIDDEN,
  K,
  K_IS_HALF,
  KEYS,
  KV_HEADS,
  maskRow,
  O,
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
  V_IS_HALF,
  VALUE_DIM,
} from '../call'
import { addWeighted, exponentiate, finishScores, scaleRow } from '../scores'
import { addRows, addRowsCarefully, areFinite, layPanel, layRows, LINE, productTile, TILE } from '../tiles'

// Attention by its definition, in three stages: all scores in memory, softmax of each row, weights times values.
// Products, blocks and their memory are those of flash.ts, so the two differ only in what they store.

/** f32 [B][Hq][Lq][columns]; columns are the keys plus the padding that a row's last vectors need. */
const SCORES: u32 = 50

@inline
function scoreRow(args: usize, batch: u32, head: u32, row: u32): usize {
  return (
    argument(args, SCORES) +
    ((((<usize>batch * argument(args, HEADS) + head) * argument(args, ROWS) + row) *
      ((argument(args, KEYS) + 10) & ~7)) <<
      2)
  )
}

/** `firstOf` and `endOf`: keys `first` … `end` − 1 that any of rows `from` … `to` − 1 sees. */
function firstOf(args: usize, place: usize, from: u32): i32 {
  return firstSeen(args, place, positionOffset(place) + <i32>from)
}
function endOf(args: usize, place: usize, to: u32): i32 {
  return endSeen(args, place, positionOffset(place) + <i32>to - 1)
}

/** First stage: blocks of rows times tiles of keys. */
export function plainScores(args: usize, thread: u32, threads: u32): void {
  const kvHeads = argument(args, KV_HEADS)
  const group = argument(args, HEADS) / kvHeads
  const size = blockRows(group)
  const headDim = argument(args, HEAD_DIM)
  const units = blockCount(args, size) * kvHeads
  const place: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES)
  const scores = place + PLACE_BYTES
  const queries = scores + 4 * LINE
  const panel = queries + ((<usize>(group * size) * headDim) << 2)
  const shift = elementShift(args, K_IS_HALF)
  const stride: usize = (<usize>argument(args, STRIDE_K + 2)) << shift
  for (let unit = thread; unit < units; unit += threads) {
    placeBlock(args, unit / kvHeads, size, place)
    const batch: u32 = placed(place, PLACE_BATCH)
    const firstRow: u32 = placed(place, BLOCK_ROW)
    const endRow: u32 = placed(place, BLOCK_END)
    const kvHead = unit % kvHeads
    const count = endRow - firstRow
    const lines = group * count
    const first = firstOf(args, place, firstRow)
    const end = endOf(args, place, endRow)
    memory.fill(queries, 0, (<usize>(group * size) * headDim) << 2)
    for (let line: u32 = 0; line < lines; line++) {
      addWeighted(
        queries + ((<usize>line * headDim) << 2),
        scaleOf(args),
        rowAddress(args, Q, STRIDE_Q, batch, kvHead * group + line / count, firstRow + (line % count), 2),
        headDim,
        2,
      )
    }
    for (let start = first; start < end; start += TILE) {
      const width = min(TILE, end - start)
      layPanel(shift, rowAddress(args, K, STRIDE_K, batch, kvHead, start, shift), stride, width, headDim, panel)
      for (let line: u32 = 0; line < lines; line += 4) {
        productTile(
          queries + ((<usize>line * headDim) << 2),
          (<usize>headDim) << 2,
          headDim,
          panel,
          (width + 7) & ~7,
          scores,
        )
        for (let i: u32 = 0; i < min(4, lines - line); i++) {
          memory.copy(
            scoreRow(args, batch, kvHead * group + (line + i) / count, firstRow + ((line + i) % count)) +
              ((<usize>start) << 2),
            scores + i * LINE,
            (<usize>width) << 2,
          )
        }
      }
    }
  }
}

/** Second stage: turns a row's scores into weights that sum to 1, less the share of the sink. */
export function plainSoftmax(args: usize, thread: u32, threads: u32): void {
  const heads = argument(args, HEADS)
  const units = blockCount(args, 1) * heads
  const place: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES)
  const sinks: usize = argument(args, SINKS)
  for (let unit = thread; unit < units; unit += threads) {
    placeBlock(args, unit / heads, 1, place)
    const batch: u32 = placed(place, PLACE_BATCH)
    const row: u32 = placed(place, BLOCK_ROW)
    const head = unit % heads
    const position = positionOffset(place) + <i32>row
    const first = firstSeen(args, place, position)
    const end = endSeen(args, place, position)
    const padded = (max(0, end - first) + 3) & ~3
    const scores = scoreRow(args, batch, head, row) + ((<usize>first) << 2)
    let largest = finishScores(
      scores,
      first,
      padded,
      first,
      end,
      position,
      softcapOf(args),
      slopeOf(args, head),
      biasRow(args, batch, head, row),
      maskRow(args, batch, head, row),
    )
    let sum: f32 = 0
    if (sinks != 0) {
      const sink = load<f32>(sinks + (head << 2))
      largest = max(largest, sink)
      sum = exponential(sink - largest)
    }
    if (largest <= HIDDEN) {
      memory.fill(scores, 0, padded << 2)
      storeLse(args, batch, head, row, -Infinity)
      continue
    }
    sum += exponentiate(scores, padded, largest)
    scaleRow(scores, 1 / sum, padded)
    storeLse(args, batch, head, row, largest + logarithm(sum))
  }
}

/** Third stage: blocks of rows, tile after tile of values. */
export function plainValues(args: usize, thread: u32, threads: u32): void {
  const kvHeads = argument(args, KV_HEADS)
  const group = argument(args, HEADS) / kvHeads
  const size = blockRows(group)
  const valueDim = argument(args, VALUE_DIM)
  const units = blockCount(args, size) * kvHeads
  const place: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES)
  const weights = place + PLACE_BYTES
  const outputs = weights + 4 * LINE
  const values = outputs + ((<usize>(group * size) * valueDim) << 2)
  const shift = elementShift(args, V_IS_HALF)
  const stride: usize = (<usize>argument(args, STRIDE_V + 2)) << shift
  const bytes: usize = (<usize>valueDim) << 2
  for (let unit = thread; unit < units; unit += threads) {
    placeBlock(args, unit / kvHeads, size, place)
    const batch: u32 = placed(place, PLACE_BATCH)
    const firstRow: u32 = placed(place, BLOCK_ROW)
    const endRow: u32 = placed(place, BLOCK_END)
    const kvHead = unit % kvHeads
    const count = endRow - firstRow
    const offset = positionOffset(place)
    const lines = group * count
    const first = firstOf(args, place, firstRow)
    const end = endOf(args, place, endRow)
    memory.fill(outputs, 0, <usize>(group * size) * bytes)
    for (let start = first; start < end; start += TILE) {
      const width = min(TILE, end - start)
      layRows(
        shift,
        1,
        rowAddress(args, V, STRIDE_V, batch, kvHead, start, shift),
        stride,
        width,
        valueDim,
        values,
        bytes,
      )
      const isCareful = !areFinite(values, bytes, width, valueDim)
      for (let line: u32 = 0; line < lines; line += 4) {
        memory.fill(weights, 0, 4 * LINE)
        for (let i: u32 = 0; i < min(4, lines - line); i++) {
          // Weights exist only for keys that the row sees.
          const row = firstRow + ((line + i) % count)
          const position = offset + <i32>row
          const from = max(start, firstSeen(args, place, position))
          const to = min(start + width, endSeen(args, place, position))
          if (from < to)
            memory.copy(
              weights + i * LINE + ((<usize>(from - start)) << 2),
              scoreRow(args, batch, kvHead * group + (line + i) / count, row) + ((<usize>from) << 2),
              (<usize>(to - from)) << 2,
            )
        }
        const output = outputs + <usize>line * bytes
        if (isCareful)
          for (let i: usize = 0; i < 4; i++)
            addRowsCarefully(weights + i * LINE, 4, values, bytes, width, valueDim, output + i * bytes)
        else addRows(weights, values, bytes, width, valueDim, output, bytes)
      }
    }
    for (let line: u32 = 0; line < lines; line++)
      memory.copy(
        rowAddress(args, O, STRIDE_O, batch, kvHead * group + line / count, firstRow + (line % count), 2),
        outputs + <usize>line * bytes,
        bytes,
      )
  }
}
