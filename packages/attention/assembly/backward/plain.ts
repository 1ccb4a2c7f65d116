import { argument } from '@tessera-llm/wasm/assembly/lib'
import {
  END_ROW,
  endSeen,
  FIRST_ROW,
  firstSeen,
  PLACE_BYTES,
  placed,
  placeSequence,
  positionOffset,
  sequenceCount,
} from '../blocks'
import {
  BATCH,
  biasRow,
  CU_Q,
  elementShift,
  HEAD_DIM,
  HEADS,
  K,
  K_IS_HALF,
  KEYS,
  KV_HEADS,
  maskRow,
  Q,
  rowAddress,
  ROWS,
  scaleOf,
  SCRATCH,
  SCRATCH_BYTES,
  slopeOf,
  softcapOf,
  STRIDE_K,
  STRIDE_O,
  STRIDE_Q,
  STRIDE_V,
  V,
  V_IS_HALF,
  VALUE_DIM,
} from '../call'
import { addWeighted, dotRow, finishScores } from '../scores'
import { bendLine, gradientLine } from '../softmax'
import { DK, DO, DQ, DV, REDUCED, SUBTRACTED } from './rows'

// Gradients row by row, with all scores of a row at once. A work unit is a KV head, so only one thread adds to its
// keys.

/** Second stage. Memory of a unit: place, scores [Lkv + 4], products [Lkv + 4]. */
export function backwardPlain(args: usize, thread: u32, threads: u32): void {
  const kvHeads = argument(args, KV_HEADS)
  const keys = argument(args, KEYS)
  const group = argument(args, HEADS) / kvHeads
  const units = argument(args, BATCH) * kvHeads
  const place: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES)
  for (let unit = thread; unit < units; unit += threads) {
    const batch = unit / kvHeads
    const kvHead = unit % kvHeads
    for (let key: u32 = 0; key < keys; key++) {
      memory.fill(rowAddress(args, DK, STRIDE_K, batch, kvHead, key, 2), 0, (<usize>argument(args, HEAD_DIM)) << 2)
      memory.fill(rowAddress(args, DV, STRIDE_V, batch, kvHead, key, 2), 0, (<usize>argument(args, VALUE_DIM)) << 2)
    }
    for (let head = kvHead * group; head < kvHead * group + group; head++) {
      const isPacked = argument(args, CU_Q) != 0
      const last = isPacked ? sequenceCount(args) : batch + 1
      store<i32>(place, 0, END_ROW << 2)
      for (let n = isPacked ? <u32>0 : batch; n < last; n++) {
        placeSequence(args, n, placed(place, END_ROW), place)
        for (let row = placed(place, FIRST_ROW); row < placed(place, END_ROW); row++)
          backwardRow(args, batch, head, kvHead, row, place)
      }
    }
  }
}

function backwardRow(args: usize, batch: u32, head: u32, kvHead: u32, row: u32, place: usize): void {
  const headDim = argument(args, HEAD_DIM)
  const valueDim = argument(args, VALUE_DIM)
  const scale = scaleOf(args)
  const position = positionOffset(place) + <i32>row
  const first = firstSeen(args, place, position)
  const end = endSeen(args, place, position)
  const count = max(0, end - first)
  const padded = (count + 3) & ~3
  const state: usize = ((<usize>batch * argument(args, HEADS) + head) * argument(args, ROWS) + row) << 2
  const subtracted = load<f32>(argument(args, SUBTRACTED) + state)
  if (subtracted == Infinity) return
  const scores = place + PLACE_BYTES
  const products = scores + ((<usize>(argument(args, KEYS) + 4)) << 2)
  const q = rowAddress(args, Q, STRIDE_Q, batch, head, row, 2)
  const gradient = rowAddress(args, DO, STRIDE_O, batch, head, row, 2)
  const dq = rowAddress(args, DQ, STRIDE_Q, batch, head, row, 2)
  const shiftK = elementShift(args, K_IS_HALF)
  const shiftV = elementShift(args, V_IS_HALF)
  for (let i = 0; i < padded; i++) {
    const isKey = i < count
    store<f32>(
      scores + (i << 2),
      isKey ? scale * dotRow(q, rowAddress(args, K, STRIDE_K, batch, kvHead, first + i, shiftK), headDim, shiftK) : 0,
    )
    store<f32>(
      products + (i << 2),
      isKey ? dotRow(gradient, rowAddress(args, V, STRIDE_V, batch, kvHead, first + i, shiftV), valueDim, shiftV) : 0,
    )
  }
  let reduced = load<f32>(argument(args, REDUCED) + state)
  if (softcapOf(args) > 0) {
    bendLine(scores, products, padded, reduced, softcapOf(args))
    reduced = 0
  }
  finishScores(
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
  gradientLine(scores, products, padded, subtracted, reduced)
  for (let i = 0; i < count; i++) {
    // A weight of zero must skip its key: padding may hold NaN.
    if (load<f32>(scores + (i << 2)) == 0) continue
    const slope = scale * load<f32>(products + (i << 2))
    addWeighted(dq, slope, rowAddress(args, K, STRIDE_K, batch, kvHead, first + i, shiftK), headDim, shiftK)
    addWeighted(rowAddress(args, DK, STRIDE_K, batch, kvHead, first + i, 2), slope, q, headDim, 2)
    addWeighted(
      rowAddress(args, DV, STRIDE_V, batch, kvHead, first + i, 2),
      load<f32>(scores + (i << 2)),
      gradient,
      valueDim,
      2,
    )
  }
}
