import { argument } from '@tessera-llm/wasm/assembly/lib'
import {
  END_KEY,
  END_ROW,
  FIRST_KEY,
  FIRST_ROW,
  PLACE_BATCH,
  PLACE_BYTES,
  placed,
  placeSequence,
  positionOffset,
  sequenceCount,
} from '../blocks'
import {
  BATCH,
  CU_Q,
  elementShift,
  HEAD_DIM,
  HEADS,
  K,
  K_IS_HALF,
  KEYS,
  KV_HEADS,
  rowAddress,
  scaleOf,
  SCRATCH,
  SCRATCH_BYTES,
  STRIDE_K,
  STRIDE_V,
  V,
  V_IS_HALF,
  VALUE_DIM,
  WINDOW_LEFT,
  WINDOW_RIGHT,
} from '../call'
import { addWeighted } from '../scores'
import { areFinite, layPanel, layRows, LINE, TILE } from '../tiles'
import { backwardBlock, BLOCK } from './block'
import { keyGradient } from './key-gradients'
import { DK, DV, PART_K, PART_V } from './rows'

// Backward pass of FlashAttention-2 (Dao 2023, arXiv 2307.08691): for each tile of keys, loops over all rows that see
// it. P is recomputed from the LSE; dK and dV of the tile stay in cache, and dQ accumulates tile by tile. A work unit
// is one query head, so no two threads add to the same rows and the order of every sum is fixed.

/** Second stage, after `backwardRows`. */
export function backwardTiles(args: usize, thread: u32, threads: u32): void {
  const heads = argument(args, HEADS)
  const units = argument(args, BATCH) * heads
  const place: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES)
  for (let unit = thread; unit < units; unit += threads) {
    const batch = unit / heads
    const head = unit % heads
    const keys = argument(args, KEYS)
    // Keys outside every sequence need a gradient too.
    for (let key: u32 = 0; key < keys; key++) {
      memory.fill(
        keyGradient(args, DK, PART_K, STRIDE_K, HEAD_DIM, batch, head, key),
        0,
        (<usize>argument(args, HEAD_DIM)) << 2,
      )
      memory.fill(
        keyGradient(args, DV, PART_V, STRIDE_V, VALUE_DIM, batch, head, key),
        0,
        (<usize>argument(args, VALUE_DIM)) << 2,
      )
    }
    if (argument(args, CU_Q) == 0) {
      placeSequence(args, batch, 0, place)
      backwardSequence(args, head, place)
    } else {
      const sequences = sequenceCount(args)
      store<i32>(place, 0, END_ROW << 2)
      for (let n: u32 = 0; n < sequences; n++) {
        placeSequence(args, n, placed(place, END_ROW), place)
        backwardSequence(args, head, place)
      }
    }
  }
}

function backwardSequence(args: usize, head: u32, place: usize): void {
  const batch: u32 = placed(place, PLACE_BATCH)
  const kvHead = head / (argument(args, HEADS) / argument(args, KV_HEADS))
  const firstRow = placed(place, FIRST_ROW)
  const endRow = placed(place, END_ROW)
  const endKey = placed(place, END_KEY)
  const headDim = argument(args, HEAD_DIM)
  const valueDim = argument(args, VALUE_DIM)
  const offset = positionOffset(place)
  const keyBytes: usize = (<usize>headDim) << 2
  const valueBytes: usize = (<usize>valueDim) << 2
  const keys = place + PLACE_BYTES + 2 * BLOCK * LINE
  const panel = keys + TILE * keyBytes
  const valuePanel = panel + TILE * keyBytes
  const dk = valuePanel + TILE * valueBytes
  const dv = dk + TILE * keyBytes
  const shiftK = elementShift(args, K_IS_HALF)
  const shiftV = elementShift(args, V_IS_HALF)
  const strideK: usize = (<usize>argument(args, STRIDE_K + 2)) << shiftK
  const strideV: usize = (<usize>argument(args, STRIDE_V + 2)) << shiftV
  for (let start = placed(place, FIRST_KEY); start < endKey; start += TILE) {
    const width = min(TILE, endKey - start)
    // Rows that see any key of the tile.
    const from = max(firstRow, start - <i32>argument(args, WINDOW_RIGHT) - offset)
    const to = min(endRow, start + width + <i32>argument(args, WINDOW_LEFT) - offset)
    if (from >= to) continue
    layRows(
      shiftK,
      scaleOf(args),
      rowAddress(args, K, STRIDE_K, batch, kvHead, start, shiftK),
      strideK,
      width,
      headDim,
      keys,
      keyBytes,
    )
    layPanel(2, keys, keyBytes, width, headDim, panel)
    layPanel(shiftV, rowAddress(args, V, STRIDE_V, batch, kvHead, start, shiftV), strideV, width, valueDim, valuePanel)
    memory.fill(dk, 0, TILE * keyBytes)
    memory.fill(dv, 0, TILE * valueBytes)
    const areEven =
      areFinite(keys, keyBytes, width, headDim) && areFinite(valuePanel, 0, 1, <u32>((width + 7) & ~7) * valueDim)
    for (let row = from; row < to; row += BLOCK)
      backwardBlock(args, head, place, start, width, row, min(BLOCK, to - row), areEven)
    for (let key = 0; key < width; key++) {
      addWeighted(
        keyGradient(args, DK, PART_K, STRIDE_K, HEAD_DIM, batch, head, start + key),
        scaleOf(args),
        dk + <usize>key * keyBytes,
        headDim,
        2,
      )
      addWeighted(
        keyGradient(args, DV, PART_V, STRIDE_V, VALUE_DIM, batch, head, start + key),
        1,
        dv + <usize>key * valueBytes,
        valueDim,
        2,
      )
    }
  }
}
