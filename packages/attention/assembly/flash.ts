import { argument, exponential, logarithm, madd } from '@tessera-llm/wasm/assembly/lib'
import {
  BATCH, biasRow, BIAS, elementShift, endVisible, firstVisible, HEAD_DIM, HEADS, HIDDEN, K, K_IS_HALF, keyCount, KV_HEADS, MASK, maskRow, O, Q, rowAddress, ROWS, scaleOf, SCRATCH, SCRATCH_BYTES, SINKS, slopeOf, softcapOf, storeLse, STRIDE_K,
  STRIDE_O, STRIDE_Q, STRIDE_V, V, V_IS_HALF, VALUE_DIM,
} from './call'
import { addWeighted, exponentiate, finishScores, load1, load4, scaleRow } from './scores'

// FlashAttention (Dao et al. 2022, arXiv 2205.14135; loop order of FlashAttention-2, 2307.08691): a block of query rows, of all heads
// that share a KV head, passes over tiles of keys with a running maximum and sum; no more than one tile of scores exists.
// Scores and outputs use the 4 × 8 tile of the dense product: keys are laid out channel by channel for it.

/** Query rows of one head in a block, and keys in a tile. */
const BLOCK: u32 = 16
const TILE: i32 = 64

// A block's memory, in this order: queries [L][D], keys [TILE / 8][D][8], values [TILE][Dv], scores [L][TILE], outputs [L][Dv],
// maxima [L], sums [L]; L lines, a multiple of 4.

/** Lines of a block: `group` heads times its rows, padded to four. */
// @ts-ignore: decorator
@inline
function lineCount(group: u32): u32 {
  return (group * BLOCK + 3) & ~3
}

/** One unit is a block of one KV head. They are dealt out in turn, later rows first to last, because later ones see more keys. */
export function flash(args: usize, thread: u32, threads: u32): void {
  const kvHeads = argument(args, KV_HEADS), blocks = (argument(args, ROWS) + BLOCK - 1) / BLOCK
  const units = argument(args, BATCH) * blocks * kvHeads
  for (let unit = thread; unit < units; unit += threads) {
    flashBlock(args, unit / (blocks * kvHeads), unit % kvHeads, (unit / kvHeads % blocks) * BLOCK, argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES))
  }
}

function flashBlock(args: usize, batch: u32, kvHead: u32, firstRow: u32, scratch: usize): void {
  const rows = argument(args, ROWS), headDim = argument(args, HEAD_DIM), valueDim = argument(args, VALUE_DIM)
  const group = argument(args, HEADS) / argument(args, KV_HEADS), count = min(BLOCK, rows - firstRow)
  const lines = group * count, padded = (lines + 3) & ~3, most = lineCount(group)
  const queries = scratch, panel = queries + ((<usize>most * headDim) << 2), values = panel + ((<usize>TILE * headDim) << 2)
  const scores = values + ((<usize>TILE * valueDim) << 2), outputs = scores + ((<usize>most * TILE) << 2)
  const maxima = outputs + ((<usize>most * valueDim) << 2), sums = maxima + (<usize>most << 2)
  const keys = keyCount(args, batch), offset = keys - <i32>rows + <i32>firstRow
  const shiftK = elementShift(args, K_IS_HALF), shiftV = elementShift(args, V_IS_HALF)

  memory.fill(queries, 0, (<usize>padded * headDim) << 2)
  memory.fill(outputs, 0, (<usize>padded * valueDim) << 2)
  for (let line: u32 = 0; line < lines; line++) {
    addWeighted(queries + ((<usize>line * headDim) << 2), scaleOf(args), rowAddress(args, Q, STRIDE_Q, batch, kvHead * group + line / count, firstRow + line % count, 2), headDim, 2)
    store<f32>(maxima + (line << 2), HIDDEN)
    store<f32>(sums + (line << 2), 0)
  }
  // The union of what the block's rows see.
  const first = firstVisible(args, offset, 0), end = endVisible(args, offset + <i32>count - 1, keys)
  const careful = argument(args, BIAS) != 0 || argument(args, MASK) != 0
  for (let start = first; start < end; start += TILE) {
    const width = min(TILE, end - start), columns = (width + 7) & ~7
    const k = rowAddress(args, K, STRIDE_K, batch, kvHead, start, shiftK), strideK: usize = <usize>argument(args, STRIDE_K + 2) << shiftK
    const v = rowAddress(args, V, STRIDE_V, batch, kvHead, start, shiftV), strideV: usize = <usize>argument(args, STRIDE_V + 2) << shiftV
    if (shiftK == 2) layKeys(2, k, strideK, width, headDim, panel)
    else layKeys(1, k, strideK, width, headDim, panel)
    for (let line: u32 = 0; line < padded; line += 4) {
      for (let column = 0; column < columns; column += 8) scoreTile(queries + ((<usize>line * headDim) << 2), headDim, panel + ((<usize>column * headDim) << 2), scores + ((<usize>line * TILE + column) << 2))
    }
    for (let line: u32 = 0; line < lines; line++) {
      const row = firstRow + line % count, head = kvHead * group + line / count, position = offset + <i32>(line % count)
      const at = scores + ((<usize>line * TILE) << 2), output = outputs + ((<usize>line * valueDim) << 2)
      const largest = finishScores(at, start, columns, firstVisible(args, position, 0), endVisible(args, position, keys), position, softcapOf(args), slopeOf(args, head), biasRow(args, batch, head, row), maskRow(args, batch, head, row))
      const before = load<f32>(maxima + (line << 2))
      if (largest <= HIDDEN) {
        memory.fill(at, 0, columns << 2)
        continue
      }
      if (largest > before) {
        const factor: f32 = before <= HIDDEN ? 0 : exponential(before - largest)
        store<f32>(maxima + (line << 2), largest)
        store<f32>(sums + (line << 2), load<f32>(sums + (line << 2)) * factor)
        scaleRow(output, factor, valueDim)
      }
      const sum = exponentiate(at, columns, max(largest, before))
      store<f32>(sums + (line << 2), load<f32>(sums + (line << 2)) + sum)
    }
    if (careful) addCarefully(scores, v, strideV, shiftV, lines, width, valueDim, outputs)
    else {
      layValues(v, strideV, shiftV, width, valueDim, values)
      for (let line: u32 = 0; line < padded; line += 4) addTile(scores + ((<usize>line * TILE) << 2), values, width, valueDim, outputs + ((<usize>line * valueDim) << 2))
    }
  }
  for (let line: u32 = 0; line < lines; line++) finishLine(args, batch, kvHead * group + line / count, firstRow + line % count, load<f32>(maxima + (line << 2)), load<f32>(sums + (line << 2)), outputs + ((<usize>line * valueDim) << 2), valueDim)
}

/** f32 [width / 8][D][8]: the tile's keys, channel by channel; missing keys are zero. */
// @ts-ignore: decorator
@inline
function layKeys(shift: u32, k: usize, stride: usize, width: i32, headDim: u32, panel: usize): void {
  for (let key = 0; key < width; key += 4) {
    const to = panel + (((<usize>(key & ~7) * headDim) + (key & 4)) << 2)
    const k0 = k + <usize>key * stride
    let d: u32 = 0
    if (width - key >= 4) {
      const k1 = k0 + stride, k2 = k1 + stride, k3 = k2 + stride
      for (; d + 4 <= headDim; d += 4) {
        const a = load4(k0, d, shift), b = load4(k1, d, shift), c = load4(k2, d, shift), e = load4(k3, d, shift)
        const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5), ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
        const ce0 = v128.shuffle<i32>(c, e, 0, 4, 1, 5), ce1 = v128.shuffle<i32>(c, e, 2, 6, 3, 7)
        const at = to + (<usize>d << 5)
        v128.store(at, v128.shuffle<i64>(ab0, ce0, 0, 2))
        v128.store(at, v128.shuffle<i64>(ab0, ce0, 1, 3), 32)
        v128.store(at, v128.shuffle<i64>(ab1, ce1, 0, 2), 64)
        v128.store(at, v128.shuffle<i64>(ab1, ce1, 1, 3), 96)
      }
    }
    for (; d < headDim; d++) {
      for (let lane = 0; lane < 4; lane++) store<f32>(to + (<usize>d << 5) + (lane << 2), key + lane < width ? load1(k0 + <usize>lane * stride, d, shift) : 0)
    }
  }
  // The half of the last eight that has no keys at all.
  if (((width + 3) & 4) != 0) {
    const to = panel + (((<usize>((width - 1) & ~7) * headDim) + 4) << 2)
    for (let d: u32 = 0; d < headDim; d++) v128.store(to + (<usize>d << 5), f32x4.splat(0))
  }
}

/** Scores of four queries with eight keys. */
export function scoreTile(q: usize, headDim: u32, panel: usize, scores: usize): void {
  const stride: usize = <usize>headDim << 2
  const q1 = q + stride, q2 = q1 + stride, q3 = q2 + stride, end = panel + (<usize>headDim << 5)
  let a0 = f32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0
  let d: usize = 0
  for (let p = panel; p < end; p += 32, d += 4) {
    const k0 = v128.load(p), k1 = v128.load(p, 16)
    let x = v128.load32_splat(q + d)
    a0 = madd(x, k0, a0)
    a1 = madd(x, k1, a1)
    x = v128.load32_splat(q1 + d)
    b0 = madd(x, k0, b0)
    b1 = madd(x, k1, b1)
    x = v128.load32_splat(q2 + d)
    c0 = madd(x, k0, c0)
    c1 = madd(x, k1, c1)
    x = v128.load32_splat(q3 + d)
    d0 = madd(x, k0, d0)
    d1 = madd(x, k1, d1)
  }
  const row: usize = TILE << 2
  v128.store(scores, a0)
  v128.store(scores, a1, 16)
  v128.store(scores + row, b0)
  v128.store(scores + row, b1, 16)
  v128.store(scores + 2 * row, c0)
  v128.store(scores + 2 * row, c1, 16)
  v128.store(scores + 3 * row, d0)
  v128.store(scores + 3 * row, d1, 16)
}

/** f32 [width][Dv], rows next to each other. */
function layValues(v: usize, stride: usize, shift: u32, width: i32, valueDim: u32, values: usize): void {
  for (let key = 0; key < width; key++) {
    const from = v + <usize>key * stride, to = values + ((<usize>key * valueDim) << 2)
    if (shift == 2) memory.copy(to, from, <usize>valueDim << 2)
    else {
      let d: u32 = 0
      for (; d + 4 <= valueDim; d += 4) v128.store(to + (<usize>d << 2), load4(from, d, 1))
      for (; d < valueDim; d++) store<f32>(to + (<usize>d << 2), load1(from, d, 1))
    }
  }
}

/** Four output rows += their weights times the tile's values, eight channels at a time. */
export function addTile(p: usize, values: usize, width: i32, valueDim: u32, outputs: usize): void {
  const row: usize = TILE << 2, stride: usize = <usize>valueDim << 2
  const p1 = p + row, p2 = p1 + row, p3 = p2 + row
  const o1 = outputs + stride, o2 = o1 + stride, o3 = o2 + stride
  let d: u32 = 0
  for (; d + 8 <= valueDim; d += 8) {
    const at: usize = <usize>d << 2
    let a0 = v128.load(outputs + at), a1 = v128.load(outputs + at, 16), b0 = v128.load(o1 + at), b1 = v128.load(o1 + at, 16)
    let c0 = v128.load(o2 + at), c1 = v128.load(o2 + at, 16), d0 = v128.load(o3 + at), d1 = v128.load(o3 + at, 16)
    let from = values + at
    for (let i: usize = 0; i < <usize>width << 2; i += 4, from += stride) {
      const v0 = v128.load(from), v1 = v128.load(from, 16)
      let x = v128.load32_splat(p + i)
      a0 = madd(x, v0, a0)
      a1 = madd(x, v1, a1)
      x = v128.load32_splat(p1 + i)
      b0 = madd(x, v0, b0)
      b1 = madd(x, v1, b1)
      x = v128.load32_splat(p2 + i)
      c0 = madd(x, v0, c0)
      c1 = madd(x, v1, c1)
      x = v128.load32_splat(p3 + i)
      d0 = madd(x, v0, d0)
      d1 = madd(x, v1, d1)
    }
    v128.store(outputs + at, a0)
    v128.store(outputs + at, a1, 16)
    v128.store(o1 + at, b0)
    v128.store(o1 + at, b1, 16)
    v128.store(o2 + at, c0)
    v128.store(o2 + at, c1, 16)
    v128.store(o3 + at, d0)
    v128.store(o3 + at, d1, 16)
  }
  if (d == valueDim) return
  for (let i = 0; i < width; i++) {
    const from = values + ((<usize>i * valueDim + d) << 2)
    for (let line: usize = 0; line < 4; line++) addWeighted(outputs + line * stride + (<usize>d << 2), load<f32>(p + line * row + (i << 2)), from, valueDim - d, 2)
  }
}

/** As addTile, but a weight of zero does not touch its value: a mask may hide NaN. */
function addCarefully(scores: usize, v: usize, stride: usize, shift: u32, lines: u32, width: i32, valueDim: u32, outputs: usize): void {
  for (let line: u32 = 0; line < lines; line++) {
    for (let i = 0; i < width; i++) {
      const weight = load<f32>(scores + ((<usize>line * TILE + i) << 2))
      if (weight != 0) addWeighted(outputs + ((<usize>line * valueDim) << 2), weight, v + <usize>i * stride, valueDim, shift)
    }
  }
}

function finishLine(args: usize, batch: u32, head: u32, row: u32, largest: f32, sum: f32, output: usize, valueDim: u32): void {
  const sinks: usize = argument(args, SINKS)
  let factor: f32 = 1
  if (sinks != 0) {
    const sink = load<f32>(sinks + (head << 2)), before = largest
    largest = max(largest, sink)
    factor = before <= HIDDEN ? 0 : exponential(before - largest)
    sum = sum * factor + exponential(sink - largest)
  }
  const o = rowAddress(args, O, STRIDE_O, batch, head, row, 2)
  memory.fill(o, 0, <usize>valueDim << 2)
  if (largest <= HIDDEN) {
    storeLse(args, batch, head, row, -Infinity)
    return
  }
  addWeighted(o, factor / sum, output, valueDim, 2)
  storeLse(args, batch, head, row, largest + logarithm(sum))
}
