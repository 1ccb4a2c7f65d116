import { argument } from '@tessera-llm/wasm/assembly/lib'
import {
  BATCH,
  endVisible,
  F16,
  firstKept,
  firstVisible,
  HEADS,
  HIDDEN,
  K_STORAGE,
  keyCount,
  KV_HEADS,
  O,
  PARTIALS,
  rowAddress,
  ROWS,
  SCRATCH,
  SCRATCH_BYTES,
  SINKS,
  slopeOf,
  softcapOf,
  storeLse,
  STRIDE_O,
  V_STORAGE,
  VALUE_DIM,
} from '../call'
import { scorePacked } from '../packed/scores'
import { weighPacked } from '../packed/values'
import { addWeighted, finishScores, scaleRow } from '../scores'
import { logOfSum, rescale, subtractedOf, weighKeys } from '../softmax'
import { scoreDense, weighDense } from './dense'
import { clear, linesTogether } from './lines'
import { WEIGHT_FACTOR } from './raw-halves'
import { activeSplits, partialBytes, SPLIT } from './splits'
import { touchAhead } from './touch'

// Few query rows over many keys. A split of the keys serves all query heads of the group and all rows, so each key and
// value is read from memory once; a second stage joins the splits.

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
    weighPacked(args, batch, kvHead, start, skip, until, keys, threads, lines, scores, packed, partial, bytes)
  else weighDense(args, batch, kvHead, start, skip, until, lines, scores, partial, bytes)
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
