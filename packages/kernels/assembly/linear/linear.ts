import { argument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { BF16, elementBytes, F16, F32 } from '../element'
import { dotBf16, dotF16, dotF32, raiseForHalf } from './dot'
import { layPanel } from './lay-panel'
import { firstToken, layTile, sixesOf, tilesOf } from './lay-tokens'
import { productTile, SUMS_BYTES } from './panel'

// y = x · weightᵀ + bias + residual for dense weights [N, K]. Words: x, weight, bias, residual, y, tokens, N, K,
// scratch, scratch bytes per thread, packed tokens (shared by all threads). Threads share groups of 8 rows. One token
// reads rows in place; several tokens repay packing 8 rows into a panel, and packing the tokens in a stage before.

/** First stage for several tokens: packs them as lay-tokens.ts describes. Threads share tiles. */
export function layTokens(args: usize, thread: u32, threads: u32): void {
  const tokens = argument(args, 5)
  const columns = argument(args, 7)
  const sixes = sixesOf(tokens)
  const tiles = tilesOf(tokens)
  const stride: usize = (<usize>columns) << 2
  const end = shareEnd(tiles, thread, threads)
  for (let tile = shareBegin(tiles, thread, threads); tile < end; tile++) {
    const token = firstToken(tile, sixes)
    layTile(
      tile < sixes,
      argument(args, 0) + token * stride,
      stride,
      tokens - token,
      columns,
      argument(args, 10) + token * stride,
    )
  }
}

export function linearF32(args: usize, thread: u32, threads: u32): void {
  product(F32, args, thread, threads)
}
export function linearF16(args: usize, thread: u32, threads: u32): void {
  product(F16, args, thread, threads)
}
export function linearBf16(args: usize, thread: u32, threads: u32): void {
  product(BF16, args, thread, threads)
}

@inline
function product(kind: i32, args: usize, thread: u32, threads: u32): void {
  const x: usize = argument(args, 0)
  const weight: usize = argument(args, 1)
  const bias: usize = argument(args, 2)
  const residual: usize = argument(args, 3)
  const y: usize = argument(args, 4)
  const tokens = argument(args, 5)
  const rows = argument(args, 6)
  const columns = argument(args, 7)
  const strideY: usize = (<usize>rows) << 2
  const rowBytes: usize = columns * elementBytes(kind)
  const groups = (rows + 7) >> 3
  const end = shareEnd(groups, thread, threads)
  if (tokens == 1) {
    const raised: usize = argument(args, 8) + thread * argument(args, 9)
    const from = kind == F16 ? raised : x
    if (kind == F16) raiseForHalf(x, columns, raised)
    for (let row = shareBegin(groups, thread, threads) << 3, last = min(end << 3, rows); row < last; row++) {
      const line = weight + row * rowBytes
      const at: usize = (<usize>row) << 2
      let sum =
        kind == F32
          ? dotF32(from, line, columns)
          : kind == F16
            ? dotF16(from, line, columns)
            : dotBf16(from, line, columns)
      if (bias != 0) sum += load<f32>(bias + at)
      if (residual != 0) sum += load<f32>(residual + at)
      store<f32>(y + at, sum)
    }
    return
  }
  // Pack as many panels at a time as fit into the scratch memory, which fits into L2. All tokens then pass over each
  // panel, tile by tile.
  const out: usize = argument(args, 8) + thread * argument(args, 9)
  const panels = out + SUMS_BYTES
  const panelBytes: usize = (<usize>columns) << 5
  const sixes = sixesOf(tokens)
  const tiles = tilesOf(tokens)
  const atOnce = max<u32>(1, <u32>((argument(args, 9) - SUMS_BYTES) / max<usize>(panelBytes, 1)))
  for (let first = shareBegin(groups, thread, threads); first < end; first += atOnce) {
    const last = min(first + atOnce, end)
    for (let group = first, panel = panels; group < last; group++, panel += panelBytes) {
      layPanel(kind, weight + (group << 3) * rowBytes, rowBytes, columns, min<u32>(8, rows - (group << 3)), panel)
    }
    for (let tile: u32 = 0; tile < tiles; tile++) {
      const token = firstToken(tile, sixes)
      const laid: usize = argument(args, 10) + ((<usize>token * columns) << 2)
      const line = token * strideY
      for (let group = first, panel = panels; group < last; group++, panel += panelBytes) {
        const at: usize = (<usize>group) << 5
        productTile(
          tile < sixes,
          laid,
          tokens - token,
          panel,
          columns,
          out,
          y + line + at,
          strideY,
          rows - (group << 3),
          bias == 0 ? 0 : bias + at,
          residual == 0 ? 0 : residual + line + at,
        )
      }
    }
  }
}
