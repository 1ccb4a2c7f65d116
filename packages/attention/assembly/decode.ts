import { argument, exponential, logarithm, madd } from '@tessera-llm/wasm/assembly/lib'
import {
  BATCH, elementShift, endVisible, firstVisible, HEAD_DIM, HEADS, HIDDEN, K, K_IS_HALF, keyCount, KV_HEADS, O, PARTIALS, Q, rowAddress, ROWS, scaleOf, SCRATCH, SCRATCH_BYTES, SINKS, slopeOf, softcapOf, storeLse, STRIDE_K, STRIDE_O, STRIDE_Q,
  STRIDE_V, V, V_IS_HALF, VALUE_DIM,
} from './call'
import { addWeighted, dotRow, exponentiate, finishScores, load4, scaleRow } from './scores'

// Few query rows over many keys. The keys of a KV head are cut into splits of a fixed length; a split serves all query heads of
// the group and all rows, so that each key and value is read from memory once. A second stage joins the splits. The first
// split that any row sees starts the count, so that a window costs nothing for keys before it.

/** Keys in a split: those of 64 channels fill half of a first-level cache. */
const SPLIT: i32 = 128

/** Keys that meet all lines before the next ones are read: 64 of 64 channels are 16 kB. */
const KEYS_AT_ONCE: i32 = 64

/** Splits first … end − 1 that hold a visible key of any row: first in the low word, end in the high one. */
function activeSplits(args: usize, batch: u32): u64 {
  const rows: i32 = argument(args, ROWS), keys = keyCount(args, batch)
  const first = firstVisible(args, keys - rows, 0), end = endVisible(args, keys - 1, keys)
  if (end <= first) return 0
  return <u64>(first / SPLIT) | (<u64>((end + SPLIT - 1) / SPLIT) << 32)
}

/** Bytes of one partial result: value sum, then max, then sum of weights. */
// @ts-ignore: decorator
@inline
function partialBytes(args: usize): usize {
  return (<usize>argument(args, VALUE_DIM) + 4) << 2
}

/** First stage: one split of one KV head at a time. */
export function decodeSplits(args: usize, thread: u32, threads: u32): void {
  const batches = argument(args, BATCH), kvHeads = argument(args, KV_HEADS)
  const scratch: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES)
  const group = argument(args, HEADS) / kvHeads, lines = group * argument(args, ROWS)
  const perSplit = lines * partialBytes(args)
  let base: usize = argument(args, PARTIALS)
  let turn: u32 = 0
  for (let batch: u32 = 0; batch < batches; batch++) {
    const active = activeSplits(args, batch), first = <i32>active, end = <i32>(active >> 32)
    for (let split = first; split < end; split++) {
      for (let kvHead: u32 = 0; kvHead < kvHeads; kvHead++, base += perSplit) {
        if (turn++ % threads == thread) decodeSplit(args, batch, kvHead, split, group, base, scratch)
      }
    }
  }
}

function decodeSplit(args: usize, batch: u32, kvHead: u32, split: i32, group: u32, partial: usize, scores: usize): void {
  const rows = argument(args, ROWS), headDim = argument(args, HEAD_DIM), valueDim = argument(args, VALUE_DIM)
  const keys = keyCount(args, batch), start = split * SPLIT, count = min(SPLIT, keys - start), padded = (count + 3) & ~3
  const shiftK = elementShift(args, K_IS_HALF), shiftV = elementShift(args, V_IS_HALF)
  const k = rowAddress(args, K, STRIDE_K, batch, kvHead, start, shiftK), strideK: usize = <usize>argument(args, STRIDE_K + 2) << shiftK
  const v = rowAddress(args, V, STRIDE_V, batch, kvHead, start, shiftV), strideV: usize = <usize>argument(args, STRIDE_V + 2) << shiftV
  const lines = group * rows, scale = scaleOf(args), bytes = partialBytes(args)
  // Line = head of the group, then row. A few keys meet all lines while they are in the first-level cache.
  for (let from = 0; from < count; from += KEYS_AT_ONCE) {
    const some = min(KEYS_AT_ONCE, count - from), keysAt = k + <usize>from * strideK
    for (let line: u32 = 0; line < lines; line += 2) {
      const q0 = rowAddress(args, Q, STRIDE_Q, batch, kvHead * group + line / rows, line % rows, 2), s0 = scores + (<usize>line * SPLIT + from << 2)
      if (line + 1 == lines) {
        if (shiftK == 2) lineScoresF32(q0, keysAt, strideK, some, headDim, scale, s0)
        else lineScoresF16(q0, keysAt, strideK, some, headDim, scale, s0)
        continue
      }
      const q1 = rowAddress(args, Q, STRIDE_Q, batch, kvHead * group + (line + 1) / rows, (line + 1) % rows, 2)
      if (shiftK == 2) pairScoresF32(q0, q1, keysAt, strideK, some, headDim, scale, s0, s0 + (SPLIT << 2))
      else pairScoresF16(q0, q1, keysAt, strideK, some, headDim, scale, s0, s0 + (SPLIT << 2))
    }
  }
  for (let line: u32 = 0; line < lines; line++) {
    const head = kvHead * group + line / rows, position = keys - <i32>rows + <i32>(line % rows)
    const row = scores + line * (SPLIT << 2), to = partial + line * bytes
    for (let i = count; i < padded; i++) store<f32>(row + (i << 2), 0)
    const largest = finishScores(row, start, padded, firstVisible(args, position, 0), endVisible(args, position, keys), position, softcapOf(args), slopeOf(args, head), 0, 0)
    store<f32>(to + (<usize>valueDim << 2), largest)
    if (largest <= HIDDEN) {
      store<f32>(to + (<usize>valueDim << 2), 0, 4)
      memory.fill(row, 0, SPLIT << 2)
    } else store<f32>(to + (<usize>valueDim << 2), exponentiate(row, padded, largest), 4)
  }
  // Keys that no line sees (before a window) must not be touched by their zero weights.
  const skip = max(0, firstVisible(args, keys - <i32>rows, 0) - start), until = min(count, endVisible(args, keys - 1, keys) - start)
  for (let line: u32 = 0; line < lines; line++) memory.fill(partial + line * bytes, 0, <usize>valueDim << 2)
  for (let from = skip; from < until; from += KEYS_AT_ONCE) {
    const last = min(from + KEYS_AT_ONCE, until)
    for (let line: u32 = 0; line < lines; line += 2) {
      const p0 = scores + (<usize>line * SPLIT << 2), o0 = partial + line * bytes
      if (line + 1 == lines) {
        if (shiftV == 2) lineValuesF32(p0, v, strideV, from, last, valueDim, o0)
        else lineValuesF16(p0, v, strideV, from, last, valueDim, o0)
      } else if (shiftV == 2) pairValuesF32(p0, p0 + (SPLIT << 2), v, strideV, from, last, valueDim, o0, o0 + bytes)
      else pairValuesF16(p0, p0 + (SPLIT << 2), v, strideV, from, last, valueDim, o0, o0 + bytes)
    }
  }
}

/** Four sums of four lanes each, as the four lanes of one vector. */
// @ts-ignore: decorator
@inline
function sumFour(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<i32>(a, b, 0, 4, 1, 5), v128.shuffle<i32>(a, b, 2, 6, 3, 7))
  const cd = f32x4.add(v128.shuffle<i32>(c, d, 0, 4, 1, 5), v128.shuffle<i32>(c, d, 2, 6, 3, 7))
  return f32x4.add(v128.shuffle<i64>(ab, cd, 0, 2), v128.shuffle<i64>(ab, cd, 1, 3))
}

/** Scores of two query rows with `count` keys, four keys at a time: 8 sums. */
// @ts-ignore: decorator
@inline
function pairScores(shift: u32, q0: usize, q1: usize, k: usize, stride: usize, count: i32, width: u32, scale: f32, s0: usize, s1: usize): void {
  const scales = f32x4.splat(scale)
  let i = 0
  if ((width & 3) == 0) {
    for (; i + 4 <= count; i += 4, k += 4 * stride) {
      const k1 = k + stride, k2 = k1 + stride, k3 = k2 + stride
      let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0
      for (let d: u32 = 0; d < width; d += 4) {
        const x0 = v128.load(q0 + (<usize>d << 2)), x1 = v128.load(q1 + (<usize>d << 2))
        let y = load4(k, d, shift)
        a0 = madd(x0, y, a0)
        b0 = madd(x1, y, b0)
        y = load4(k1, d, shift)
        a1 = madd(x0, y, a1)
        b1 = madd(x1, y, b1)
        y = load4(k2, d, shift)
        a2 = madd(x0, y, a2)
        b2 = madd(x1, y, b2)
        y = load4(k3, d, shift)
        a3 = madd(x0, y, a3)
        b3 = madd(x1, y, b3)
      }
      v128.store(s0 + (i << 2), f32x4.mul(scales, sumFour(a0, a1, a2, a3)))
      v128.store(s1 + (i << 2), f32x4.mul(scales, sumFour(b0, b1, b2, b3)))
    }
  }
  for (; i < count; i++, k += stride) {
    store<f32>(s0 + (i << 2), scale * dotRow(q0, k, width, shift))
    store<f32>(s1 + (i << 2), scale * dotRow(q1, k, width, shift))
  }
}

export function pairScoresF32(q0: usize, q1: usize, k: usize, stride: usize, count: i32, width: u32, scale: f32, s0: usize, s1: usize): void {
  pairScores(2, q0, q1, k, stride, count, width, scale, s0, s1)
}
export function pairScoresF16(q0: usize, q1: usize, k: usize, stride: usize, count: i32, width: u32, scale: f32, s0: usize, s1: usize): void {
  pairScores(1, q0, q1, k, stride, count, width, scale, s0, s1)
}

/** Scores of one query row with `count` keys, four keys and two vectors of channels at a time: 8 sums. */
// @ts-ignore: decorator
@inline
function lineScores(shift: u32, q: usize, k: usize, stride: usize, count: i32, width: u32, scale: f32, s: usize): void {
  const scales = f32x4.splat(scale)
  let i = 0
  if ((width & 7) == 0) {
    for (; i + 4 <= count; i += 4, k += 4 * stride) {
      const k1 = k + stride, k2 = k1 + stride, k3 = k2 + stride
      let a0 = f32x4.splat(0), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0
      for (let d: u32 = 0; d < width; d += 8) {
        const x0 = v128.load(q + (<usize>d << 2)), x1 = v128.load(q + (<usize>d << 2), 16)
        a0 = madd(x0, load4(k, d, shift), a0)
        b0 = madd(x1, load4(k, d + 4, shift), b0)
        a1 = madd(x0, load4(k1, d, shift), a1)
        b1 = madd(x1, load4(k1, d + 4, shift), b1)
        a2 = madd(x0, load4(k2, d, shift), a2)
        b2 = madd(x1, load4(k2, d + 4, shift), b2)
        a3 = madd(x0, load4(k3, d, shift), a3)
        b3 = madd(x1, load4(k3, d + 4, shift), b3)
      }
      v128.store(s + (i << 2), f32x4.mul(scales, sumFour(f32x4.add(a0, b0), f32x4.add(a1, b1), f32x4.add(a2, b2), f32x4.add(a3, b3))))
    }
  }
  for (; i < count; i++, k += stride) store<f32>(s + (i << 2), scale * dotRow(q, k, width, shift))
}

export function lineScoresF32(q: usize, k: usize, stride: usize, count: i32, width: u32, scale: f32, s: usize): void {
  lineScores(2, q, k, stride, count, width, scale, s)
}
export function lineScoresF16(q: usize, k: usize, stride: usize, count: i32, width: u32, scale: f32, s: usize): void {
  lineScores(1, q, k, stride, count, width, scale, s)
}

/** o0 += Σ p0·v and o1 += Σ p1·v over keys first … end − 1, 16 channels at a time: 8 sums. */
// @ts-ignore: decorator
@inline
function pairValues(shift: u32, p0: usize, p1: usize, v: usize, stride: usize, first: i32, end: i32, width: u32, o0: usize, o1: usize): void {
  let d: u32 = 0
  for (; d + 16 <= width; d += 16) {
    const at: usize = <usize>d << 2
    let a0 = v128.load(o0 + at), a1 = v128.load(o0 + at, 16), a2 = v128.load(o0 + at, 32), a3 = v128.load(o0 + at, 48)
    let b0 = v128.load(o1 + at), b1 = v128.load(o1 + at, 16), b2 = v128.load(o1 + at, 32), b3 = v128.load(o1 + at, 48)
    let row = v + <usize>first * stride
    for (let i = first; i < end; i++, row += stride) {
      const x0 = v128.load32_splat(p0 + (i << 2)), x1 = v128.load32_splat(p1 + (i << 2))
      let y = load4(row, d, shift)
      a0 = madd(x0, y, a0)
      b0 = madd(x1, y, b0)
      y = load4(row, d + 4, shift)
      a1 = madd(x0, y, a1)
      b1 = madd(x1, y, b1)
      y = load4(row, d + 8, shift)
      a2 = madd(x0, y, a2)
      b2 = madd(x1, y, b2)
      y = load4(row, d + 12, shift)
      a3 = madd(x0, y, a3)
      b3 = madd(x1, y, b3)
    }
    store4(o0 + at, a0, a1, a2, a3)
    store4(o1 + at, b0, b1, b2, b3)
  }
  if (d < width) {
    addRest(shift, p0, v, stride, first, end, d, width, o0)
    addRest(shift, p1, v, stride, first, end, d, width, o1)
  }
}

export function pairValuesF32(p0: usize, p1: usize, v: usize, stride: usize, first: i32, end: i32, width: u32, o0: usize, o1: usize): void {
  pairValues(2, p0, p1, v, stride, first, end, width, o0, o1)
}
export function pairValuesF16(p0: usize, p1: usize, v: usize, stride: usize, first: i32, end: i32, width: u32, o0: usize, o1: usize): void {
  pairValues(1, p0, p1, v, stride, first, end, width, o0, o1)
}

/** o += Σ p·v over keys first … end − 1, 32 channels at a time: 8 sums. */
// @ts-ignore: decorator
@inline
function lineValues(shift: u32, p: usize, v: usize, stride: usize, first: i32, end: i32, width: u32, o: usize): void {
  let d: u32 = 0
  for (; d + 32 <= width; d += 32) {
    const at = o + (<usize>d << 2)
    let a0 = v128.load(at), a1 = v128.load(at, 16), a2 = v128.load(at, 32), a3 = v128.load(at, 48)
    let b0 = v128.load(at, 64), b1 = v128.load(at, 80), b2 = v128.load(at, 96), b3 = v128.load(at, 112)
    let row = v + <usize>first * stride
    for (let i = first; i < end; i++, row += stride) {
      const x = v128.load32_splat(p + (i << 2))
      a0 = madd(x, load4(row, d, shift), a0)
      a1 = madd(x, load4(row, d + 4, shift), a1)
      a2 = madd(x, load4(row, d + 8, shift), a2)
      a3 = madd(x, load4(row, d + 12, shift), a3)
      b0 = madd(x, load4(row, d + 16, shift), b0)
      b1 = madd(x, load4(row, d + 20, shift), b1)
      b2 = madd(x, load4(row, d + 24, shift), b2)
      b3 = madd(x, load4(row, d + 28, shift), b3)
    }
    store4(at, a0, a1, a2, a3)
    store4(at + 64, b0, b1, b2, b3)
  }
  if (d < width) addRest(shift, p, v, stride, first, end, d, width, o)
}

export function lineValuesF32(p: usize, v: usize, stride: usize, first: i32, end: i32, width: u32, o: usize): void {
  lineValues(2, p, v, stride, first, end, width, o)
}
export function lineValuesF16(p: usize, v: usize, stride: usize, first: i32, end: i32, width: u32, o: usize): void {
  lineValues(1, p, v, stride, first, end, width, o)
}

// @ts-ignore: decorator
@inline
function store4(at: usize, a: v128, b: v128, c: v128, d: v128): void {
  v128.store(at, a)
  v128.store(at, b, 16)
  v128.store(at, c, 32)
  v128.store(at, d, 48)
}

/** The channels from d on, which fill no tile. */
function addRest(shift: u32, p: usize, v: usize, stride: usize, first: i32, end: i32, d: u32, width: u32, o: usize): void {
  for (let i = first; i < end; i++) addWeighted(o + (<usize>d << 2), load<f32>(p + (i << 2)), v + <usize>i * stride + (<usize>d << shift), width - d, shift)
}

/** Second stage: joins the splits of each row in their order. */
export function decodeJoin(args: usize, thread: u32, threads: u32): void {
  const batches = argument(args, BATCH), kvHeads = argument(args, KV_HEADS), rows = argument(args, ROWS), valueDim = argument(args, VALUE_DIM)
  const group = argument(args, HEADS) / kvHeads, lines = group * rows, bytes = partialBytes(args)
  const sinks: usize = argument(args, SINKS)
  let base: usize = argument(args, PARTIALS)
  let turn: u32 = 0
  for (let batch: u32 = 0; batch < batches; batch++) {
    const active = activeSplits(args, batch), splits = <u32>(<i32>(active >> 32) - <i32>active)
    for (let kvHead: u32 = 0; kvHead < kvHeads; kvHead++) {
      for (let line: u32 = 0; line < lines; line++) {
        if (turn++ % threads != thread) continue
        const head = kvHead * group + line / rows
        const from = base + (<usize>kvHead * lines + line) * bytes, step = <usize>kvHeads * lines * bytes
        joinLine(args, batch, head, line % rows, from, step, splits, sinks == 0 ? HIDDEN : load<f32>(sinks + (head << 2)), valueDim)
      }
    }
    base += <usize>splits * kvHeads * lines * bytes
  }
}

function joinLine(args: usize, batch: u32, head: u32, row: u32, from: usize, step: usize, splits: u32, sink: f32, valueDim: u32): void {
  const o = rowAddress(args, O, STRIDE_O, batch, head, row, 2)
  const at: usize = <usize>valueDim << 2
  let largest = sink
  for (let i: u32 = 0; i < splits; i++) largest = max(largest, load<f32>(from + i * step + at))
  memory.fill(o, 0, at)
  if (largest <= HIDDEN) {
    storeLse(args, batch, head, row, -Infinity)
    return
  }
  let sum = sink <= HIDDEN ? <f32>0 : exponential(sink - largest)
  for (let i: u32 = 0; i < splits; i++) {
    const part = from + i * step
    const weight = exponential(load<f32>(part + at) - largest)
    if (weight == 0) continue
    sum += weight * load<f32>(part + at, 4)
    addWeighted(o, weight, part, valueDim, 2)
  }
  scaleRow(o, 1 / sum, valueDim)
  storeLse(args, batch, head, row, largest + logarithm(sum))
}
