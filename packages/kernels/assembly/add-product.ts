import { argument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { firstToken, sixesOf, tilesOf } from './linear/lay-tokens'
import { panelTile, panelTile6 } from './linear/panel'

// total += leftᵀ · right, products in f32 and the total in f64. Words: left f32 [T, M], right f32 [T, N], total f64 [M,
// N], T, M, N, 1 to skip what lies below the diagonal, scratch of 192 bytes per thread, left packed in tiles of columns
// as tokens are in lay-tokens.ts, right packed in panels f32 [N / 8][T][8], columns of a block, a multiple of 8.

/** Bytes of a tile's sums. */
const SUMS: usize = 192

/** First stage: packs both; threads share tiles and panels. */
export function addProductLay(args: usize, thread: u32, threads: u32): void {
  const t = argument(args, 3)
  const m = argument(args, 4)
  const n = argument(args, 5)
  const sixes = sixesOf(m)
  const tiles = tilesOf(m)
  const units = tiles + ((n + 7) >> 3)
  const end = shareEnd(units, thread, threads)
  for (let unit = shareBegin(units, thread, threads); unit < end; unit++) {
    if (unit < tiles) {
      const column = firstToken(unit, sixes)
      const height: u32 = unit < sixes ? 6 : 4
      layColumns(
        argument(args, 0) + (column << 2),
        m,
        t,
        height,
        min(height, m - column),
        argument(args, 8) + ((<usize>column * t) << 2),
      )
    } else {
      const column = (unit - tiles) << 3
      layColumns(
        argument(args, 1) + (column << 2),
        n,
        t,
        8,
        min<u32>(8, n - column),
        argument(args, 9) + ((<usize>column * t) << 2),
      )
    }
  }
}

/** Packs `valid` columns of rows of `stride` values as f32 [t][height]; missing columns are zero. */
function layColumns(from: usize, stride: u32, t: u32, height: u32, valid: u32, to: usize): void {
  const line: usize = (<usize>stride) << 2
  const step: usize = (<usize>height) << 2
  if (valid < height) {
    for (let i: u32 = 0; i < t; i++, from += line, to += step) {
      for (let c: u32 = 0; c < height; c++) store<f32>(to + (c << 2), c < valid ? load<f32>(from + (c << 2)) : 0)
    }
    return
  }
  for (let i: u32 = 0; i < t; i++, from += line, to += step) {
    v128.store(to, v128.load(from))
    if (height == 8) v128.store(to, v128.load(from, 16), 16)
    else if (height == 6) store<u64>(to, load<u64>(from, 16), 16)
  }
}

/** Threads share blocks of columns; in a triangle, the first is paired with the last, so that shares are alike. */
export function addProduct(args: usize, thread: u32, threads: u32): void {
  const width = argument(args, 10)
  const blocks = (argument(args, 5) + width - 1) / width
  const isUpper = argument(args, 6) != 0
  const sums: usize = argument(args, 7) + thread * SUMS
  const units = isUpper ? (blocks + 1) >> 1 : blocks
  const end = shareEnd(units, thread, threads)
  for (let unit = shareBegin(units, thread, threads); unit < end; unit++) {
    const other = blocks - 1 - unit
    addBlock(args, unit * width, width, isUpper, sums)
    if (isUpper && other != unit) addBlock(args, other * width, width, isUpper, sums)
  }
}

/**
 * One block of columns, from `first` on: each tile of left, in the first-level cache, is multiplied with all panels of
 * the block, which stay in the second-level cache.
 */
function addBlock(args: usize, first: u32, width: u32, isUpper: bool, sums: usize): void {
  const t = argument(args, 3)
  const m = argument(args, 4)
  const n = argument(args, 5)
  const sixes = sixesOf(m)
  const tiles = tilesOf(m)
  const left: usize = argument(args, 8)
  const right: usize = argument(args, 9)
  const total: usize = argument(args, 2)
  const end = min(first + width, n)
  for (let tile: u32 = 0; tile < tiles; tile++) {
    const row = firstToken(tile, sixes)
    const isSix = tile < sixes
    if (isUpper && row >= end) return
    const x = left + ((<usize>row * t) << 2)
    for (let column = first; column < end; column += 8) {
      if (isUpper && row >= column + 8) continue
      const panel = right + ((<usize>column * t) << 2)
      if (isSix) panelTile6(x, panel, t, sums, 32)
      else panelTile(x, panel, t, sums, 32, 0, 0)
      addSums(
        sums,
        min<u32>(isSix ? 6 : 4, m - row),
        min<u32>(8, n - column),
        total + ((<usize>row * n + column) << 3),
        (<usize>n) << 3,
      )
    }
  }
}

/** total [rows][columns] += sums [rows][8]. */
export function addSums(sums: usize, rows: u32, columns: u32, total: usize, line: usize): void {
  for (let row: u32 = 0; row < rows; row++, sums += 32, total += line) {
    if (columns < 8) {
      for (let c: u32 = 0; c < columns; c++) {
        const at = total + (c << 3)
        store<f64>(at, load<f64>(at) + <f64>load<f32>(sums + (c << 2)))
      }
      continue
    }
    for (let c: usize = 0; c < 4; c++) {
      const at = total + (c << 4)
      v128.store(at, f64x2.add(v128.load(at), f64x2.promote_low_f32x4(v128.load64_zero(sums + (c << 3)))))
    }
  }
}
