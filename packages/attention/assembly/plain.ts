import { argument, exponential, logarithm } from '@tessera-llm/wasm/assembly/lib'
import {
  BATCH, biasRow, CU_KV, CU_Q, elementShift, endVisible, firstVisible, HEAD_DIM, HEADS, HIDDEN, K, K_IS_HALF, KEYS, keyCount, KV_HEADS, maskRow, O, Q, rowAddress, ROWS, scaleOf, SCRATCH, SCRATCH_BYTES, SEQUENCES, SINKS,
  slopeOf, softcapOf, storeLse, STRIDE_K, STRIDE_O, STRIDE_Q, STRIDE_V, V, V_IS_HALF, VALUE_DIM,
} from './call'
import { addWeighted, dotRow, exponentiate, finishScores, scaleRow } from './scores'

/** All scores of a row at once, one row (b, h, i) after the other. Rows are dealt out one by one, because later ones see more keys. */
export function plain(args: usize, thread: u32, threads: u32): void {
  const heads = argument(args, HEADS), rows = argument(args, ROWS)
  const units = argument(args, BATCH) * heads * rows
  for (let unit = thread; unit < units; unit += threads) {
    const row = unit / heads % rows
    plainRow(args, unit / (heads * rows), unit % heads, row, argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES))
  }
}

function plainRow(args: usize, batch: u32, head: u32, row: u32, scores: usize): void {
  const valueDim = argument(args, VALUE_DIM)
  const o = rowAddress(args, O, STRIDE_O, batch, head, row, 2)
  const sinks: usize = argument(args, SINKS)
  let firstKey: i32 = 0, endKey = keyCount(args, batch), endRow: i32 = argument(args, ROWS)
  if (argument(args, CU_Q) != 0) {
    // The sequence that holds the row; a row beyond the last has no keys.
    const ends: usize = argument(args, CU_Q), keys: usize = argument(args, CU_KV)
    const sequences = argument(args, SEQUENCES)
    endKey = 0
    for (let n: u32 = 0; n < sequences; n++) {
      if (<i32>row < load<i32>(ends + (n << 2)) || <i32>row >= load<i32>(ends + (n << 2), 4)) continue
      firstKey = load<i32>(keys + (n << 2))
      endKey = load<i32>(keys + (n << 2), 4)
      endRow = load<i32>(ends + (n << 2), 4)
    }
  }
  const position = endKey - endRow + <i32>row
  const first = firstVisible(args, position, firstKey), end = endVisible(args, position, endKey)
  const count = max(0, end - first), padded = (count + 3) & ~3
  const kvHead = head / (argument(args, HEADS) / argument(args, KV_HEADS))
  const q = rowAddress(args, Q, STRIDE_Q, batch, head, row, 2)
  const shiftK = elementShift(args, K_IS_HALF), shiftV = elementShift(args, V_IS_HALF)
  const scale = scaleOf(args)
  for (let i = 0; i < count; i++) store<f32>(scores + (i << 2), scale * dotRow(q, rowAddress(args, K, STRIDE_K, batch, kvHead, first + i, shiftK), argument(args, HEAD_DIM), shiftK))
  for (let i = count; i < padded; i++) store<f32>(scores + (i << 2), 0)
  let largest = finishScores(scores, first, padded, first, end, position, softcapOf(args), slopeOf(args, head), biasRow(args, batch, head, row), maskRow(args, batch, head, row))
  memory.fill(o, 0, <usize>valueDim << 2)
  let sum: f32 = 0
  if (sinks != 0) {
    const sink = load<f32>(sinks + (head << 2))
    largest = max(largest, sink)
    sum = exponential(sink - largest)
  }
  if (largest <= HIDDEN) {
    storeLse(args, batch, head, row, -Infinity)
    return
  }
  sum += exponentiate(scores, padded, largest)
  for (let i = 0; i < count; i++) {
    const weight = load<f32>(scores + (i << 2))
    // A weight of zero must not touch the value: padding may hold NaN.
    if (weight != 0) addWeighted(o, weight, rowAddress(args, V, STRIDE_V, batch, kvHead, first + i, shiftV), valueDim, shiftV)
  }
  scaleRow(o, 1 / sum, valueDim)
  storeLse(args, batch, head, row, largest + logarithm(sum))
}
