import { argument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { BF16, elementBytes, F16, F32, loadElement, loadElement4 } from './element'
import { layPanel } from './linear/lay-panel'
import { firstToken, layTile, sixesOf, tilesOf } from './linear/lay-tokens'
import { panelProduct, SUMS_BYTES } from './linear/panel'

// Words: a, b, y, products, M, K, N, 1 if all products share b, 1 if a is [K, M], 1 if b is [N, K], kind of a, kind of
// b, scratch, panel bytes per thread, packed a (see lay-tokens.ts; ⌈M / 4⌉ · 4 · K floats per product).

/** First stage: packs a. Threads share the row tiles of all products. */
export function matmulLeft(args: usize, thread: u32, threads: u32): void {
  const kind: i32 = argument(args, 10)
  if (kind == F32) layLeft(F32, args, thread, threads)
  else if (kind == F16) layLeft(F16, args, thread, threads)
  else layLeft(BF16, args, thread, threads)
}

@inline
function layLeft(kind: i32, args: usize, thread: u32, threads: u32): void {
  const m = argument(args, 4)
  const k = argument(args, 5)
  const transposed = argument(args, 8) != 0
  const sixes = sixesOf(m)
  const tiles = tilesOf(m)
  const units = argument(args, 3) * tiles
  const end = shareEnd(units, thread, threads)
  for (let unit = shareBegin(units, thread, threads); unit < end; unit++) {
    const product = unit / tiles
    const tile = unit % tiles
    const isSix = tile < sixes
    const row = firstToken(tile, sixes)
    const height: u32 = isSix ? 6 : 4
    const to: usize = argument(args, 14) + ((<usize>(product * (((m + 3) >> 2) << 2) + row) * k) << 2)
    const matrix: usize = argument(args, 0) + <usize>product * m * k * elementBytes(kind)
    if (kind == F32 && !transposed) {
      layTile(isSix, matrix + ((<usize>row * k) << 2), (<usize>k) << 2, m - row, k, to)
      continue
    }
    const stepRow: usize = transposed ? 1 : k
    const stepK: usize = transposed ? m : 1
    for (let i: u32 = 0; i < k; i++) {
      for (let r: u32 = 0; r < height; r++)
        store<f32>(
          to + ((<usize>(i * height + r)) << 2),
          row + r < m ? loadElement(kind, matrix + ((row + r) * stepRow + i * stepK) * elementBytes(kind)) : 0,
        )
    }
  }
}

/** Threads share groups of 8 columns of all products. */
export function matmul(args: usize, thread: u32, threads: u32): void {
  const kind: i32 = argument(args, 11)
  if (kind == F32) multiplyPanels(F32, args, thread, threads)
  else if (kind == F16) multiplyPanels(F16, args, thread, threads)
  else multiplyPanels(BF16, args, thread, threads)
}

@inline
function multiplyPanels(kind: i32, args: usize, thread: u32, threads: u32): void {
  const m = argument(args, 4)
  const k = argument(args, 5)
  const n = argument(args, 6)
  const panel: usize = argument(args, 12) + thread * argument(args, 13) + SUMS_BYTES
  const groups = (n + 7) >> 3
  const units = argument(args, 3) * groups
  const end = shareEnd(units, thread, threads)
  for (let unit = shareBegin(units, thread, threads); unit < end; unit++) {
    const product = unit / groups
    const column = (unit % groups) << 3
    const valid = min<u32>(8, n - column)
    const b: usize = argument(args, 1) + (argument(args, 7) != 0 ? 0 : <usize>product * k * n) * elementBytes(kind)
    if (argument(args, 9) != 0)
      layPanel(kind, b + <usize>column * k * elementBytes(kind), k * elementBytes(kind), k, valid, panel)
    else layColumns(kind, b + column * elementBytes(kind), n * elementBytes(kind), k, valid, panel)
    const y: usize = argument(args, 2) + ((<usize>product * m * n + column) << 2)
    panelProduct(
      argument(args, 14) + ((<usize>product * ((m + 3) >> 2) * k) << 4),
      m,
      0,
      tilesOf(m),
      panel,
      k,
      y,
      (<usize>n) << 2,
      valid,
      0,
      0,
    )
  }
}

/** Packs up to 8 columns of a [K, N] as a panel, f32 [K][8]. */
@inline
function layColumns(kind: i32, source: usize, rowBytes: usize, k: u32, columns: u32, panel: usize): void {
  const step = elementBytes(kind)
  for (let i: u32 = 0; i < k; i++, source += rowBytes, panel += 32) {
    if (columns == 8) {
      v128.store(panel, loadElement4(kind, source))
      v128.store(panel, loadElement4(kind, source + 4 * step), 16)
    } else {
      for (let c: u32 = 0; c < 8; c++)
        store<f32>(panel + (c << 2), c < columns ? loadElement(kind, source + c * step) : 0)
    }
  }
}
