import { argument } from '@tessera-llm/wasm/assembly/lib'
import { endSeen, firstSeen, PLACE_BATCH, PLACE_BYTES, placed, positionOffset } from '../blocks'
import {
  ALIBI,
  BIAS,
  biasRow,
  HEAD_DIM,
  HEADS,
  MASK,
  maskRow,
  Q,
  rowAddress,
  ROWS,
  slopeOf,
  softcapOf,
  STRIDE_O,
  STRIDE_Q,
  VALUE_DIM,
  WINDOW_LEFT,
  WINDOW_RIGHT,
} from '../call'
import { addWeighted, finishScores } from '../scores'
import { bendLine, gradientLine } from '../softmax'
import { addColumns, addRows, addRowsCarefully, layRows, LINE, productTile, TILE } from '../tiles'
import { DO, DQ, REDUCED, ROW_BLOCK, SUBTRACTED, UNEVEN } from './rows'

// One block of rows against one tile of keys.
//
// Memory of a unit, in this order: place, scores [BLOCK][TILE], products [BLOCK][TILE], keys [TILE][D], keys as a
// panel, values as a panel, dk [TILE][D], dv [TILE][Dv], queries [BLOCK][D], dq of the last rows [4][D], do
// [BLOCK][Dv]. src/attention-backward/wasm/flash.ts allocates it.

/** Rows of a block. */
export const BLOCK: i32 = 64

/** Adds the gradients of one tile of keys and up to `BLOCK` rows. */
export function backwardBlock(
  args: usize,
  head: u32,
  place: usize,
  start: i32,
  width: i32,
  firstRow: i32,
  count: i32,
  areEven: bool,
): void {
  const batch: u32 = placed(place, PLACE_BATCH)
  const headDim = argument(args, HEAD_DIM)
  const valueDim = argument(args, VALUE_DIM)
  const offset = positionOffset(place)
  const padded = (count + 3) & ~3
  const keyBytes: usize = (<usize>headDim) << 2
  const valueBytes: usize = (<usize>valueDim) << 2
  const scores = place + PLACE_BYTES
  const products = scores + BLOCK * LINE
  const keys = products + BLOCK * LINE
  const panel = keys + TILE * keyBytes
  const valuePanel = panel + TILE * keyBytes
  const dk = valuePanel + TILE * valueBytes
  const dv = dk + TILE * keyBytes
  const ownQueries = dv + TILE * valueBytes
  const lastRows = ownQueries + BLOCK * keyBytes
  const ownGradients = lastRows + 4 * keyBytes
  let queries = rowAddress(args, Q, STRIDE_Q, batch, head, firstRow, 2)
  let gradients = rowAddress(args, DO, STRIDE_O, batch, head, firstRow, 2)
  const strideQ: usize = (<usize>argument(args, STRIDE_Q + 2)) << 2
  const strideO: usize = (<usize>argument(args, STRIDE_O + 2)) << 2
  // Copies rows that need padding to four, and rows with gaps between them, which would share few cache lines.
  if (count != padded || strideQ != keyBytes || strideO != valueBytes) {
    memory.fill(ownQueries + <usize>count * keyBytes, 0, <usize>(padded - count) * keyBytes)
    memory.fill(ownGradients + <usize>count * valueBytes, 0, <usize>(padded - count) * valueBytes)
    layRows(2, 1, queries, strideQ, count, headDim, ownQueries, keyBytes)
    layRows(2, 1, gradients, strideO, count, valueDim, ownGradients, valueBytes)
    queries = ownQueries
    gradients = ownGradients
  }
  const rowState: usize = ((<usize>batch * argument(args, HEADS) + head) * argument(args, ROWS) + firstRow) << 2
  const subtracted = argument(args, SUBTRACTED) + rowState
  const reduced = argument(args, REDUCED) + rowState
  const softcap = softcapOf(args)
  const slope = slopeOf(args, head)
  const isSimple = softcap == 0 && (argument(args, ALIBI) | argument(args, BIAS) | argument(args, MASK)) == 0
  // Zero times a hidden value is zero only if the value is finite.
  const isCareful = !areEven || isUneven(args, batch, head, firstRow, count)

  for (let row = 0; row < padded; row += 4) {
    const firstPosition = offset + firstRow + row
    const lastPosition = offset + firstRow + min(row + 3, count - 1)
    const from = max(firstSeen(args, place, firstPosition) - start, 0) & ~7
    const to = (min(endSeen(args, place, lastPosition) - start, width) + 7) & ~7
    if (to <= from) continue
    const s = scores + <usize>row * LINE + ((<usize>from) << 2)
    const p = products + <usize>row * LINE + ((<usize>from) << 2)
    const columns = to - from
    productTile(queries + <usize>row * keyBytes, keyBytes, headDim, panel + ((<usize>from * headDim) << 2), columns, s)
    productTile(
      gradients + <usize>row * valueBytes,
      valueBytes,
      valueDim,
      valuePanel + ((<usize>from * valueDim) << 2),
      columns,
      p,
    )
    const isOpen =
      isSimple &&
      firstSeen(args, place, lastPosition) <= start + from &&
      endSeen(args, place, firstPosition) >= start + to
    for (let i = 0; i < 4; i++) {
      const line = <usize>i * LINE
      const at: usize = (<usize>(row + i)) << 2
      const position = firstPosition + i
      if (row + i >= count || load<f32>(subtracted + at) == Infinity) {
        memory.fill(s + line, 0, columns << 2)
        memory.fill(p + line, 0, columns << 2)
        continue
      }
      let less = load<f32>(reduced + at)
      if (!isOpen) {
        if (softcap > 0) {
          bendLine(s + line, p + line, columns, less, softcap)
          less = 0
        }
        finishScores(
          s + line,
          start + from,
          columns,
          firstSeen(args, place, position),
          endSeen(args, place, position),
          position,
          softcap,
          slope,
          biasRow(args, batch, head, firstRow + row + i),
          maskRow(args, batch, head, firstRow + row + i),
        )
      }
      gradientLine(s + line, p + line, columns, load<f32>(subtracted + at), less)
    }
    const dq = rowAddress(args, DQ, STRIDE_Q, batch, head, firstRow + row, 2)
    const some = min(to, width) - from
    const visible = keys + <usize>from * keyBytes
    if (isCareful)
      for (let i = 0; i < min(4, count - row); i++)
        addRowsCarefully(p + <usize>i * LINE, 4, visible, keyBytes, some, headDim, dq + <usize>i * strideQ)
    else if (row + 4 <= count) addRows(p, visible, keyBytes, some, headDim, dq, strideQ)
    else {
      memory.fill(lastRows, 0, 4 * keyBytes)
      addRows(p, visible, keyBytes, some, headDim, lastRows, keyBytes)
      for (let i = 0; i < count - row; i++)
        addWeighted(dq + <usize>i * strideQ, 1, lastRows + <usize>i * keyBytes, headDim, 2)
    }
  }
  // For four keys at a time, the rows that see any of them: only their lines hold these columns.
  for (let key = 0; key < width; key += 4) {
    const last = min(key + 4, width)
    const from = max(0, start + key - <i32>argument(args, WINDOW_RIGHT) - offset - firstRow)
    const to = min(count, start + last + <i32>argument(args, WINDOW_LEFT) - offset - firstRow)
    const rows = to - from
    if (rows <= 0) continue
    const at: usize = <usize>from * LINE + ((<usize>key) << 2)
    const q = queries + <usize>from * keyBytes
    const g = gradients + <usize>from * valueBytes
    if (isCareful) {
      for (let i = 0; i < last - key; i++) {
        addRowsCarefully(
          scores + at + (i << 2),
          LINE,
          g,
          valueBytes,
          rows,
          valueDim,
          dv + <usize>(key + i) * valueBytes,
        )
        addRowsCarefully(products + at + (i << 2), LINE, q, keyBytes, rows, headDim, dk + <usize>(key + i) * keyBytes)
      }
    } else {
      addColumns(scores + at, g, valueBytes, rows, valueDim, dv + <usize>key * valueBytes, valueBytes)
      addColumns(products + at, q, keyBytes, rows, headDim, dk + <usize>key * keyBytes, keyBytes)
    }
  }
}

/** Whether any of these rows holds a non-finite value. */
function isUneven(args: usize, batch: u32, head: u32, firstRow: u32, count: u32): bool {
  const blocks = (argument(args, ROWS) + ROW_BLOCK - 1) / ROW_BLOCK
  const words: usize = argument(args, UNEVEN) + (((batch * argument(args, HEADS) + head) * blocks) << 2)
  return (
    (load<u32>(words + ((firstRow / ROW_BLOCK) << 2)) |
      load<u32>(words + (((firstRow + count - 1) / ROW_BLOCK) << 2))) !=
    0
  )
}
