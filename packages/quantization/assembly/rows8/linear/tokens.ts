import { argument, floatArgument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { quantizeRow, recordBytes } from '../activations'
import {
  codesAt,
  formAt,
  groupBytesAt,
  hasHalves,
  hasLevels,
  hasOffset,
  isWide,
  levelsAt,
  mayWrap,
  sumsInI16,
  zeroAt,
} from '../layout'
import { widenLevels } from '../levels'
import { PANEL_BYTES, widenPanel } from '../panel'
import {
  tileNarrow1Offset,
  tileNarrow1Zero,
  tileNarrow2HalvesOffset,
  tileNarrow2HalvesZero,
  tileNarrow2Offset,
  tileWrapped,
  tileWrappedHalves,
} from '../tiles/narrow'
import { tileWide, tileWideHalves, tileWideHalvesOffset, tileWideOffset } from '../tiles/wide'
import { unpack } from '../unpack/unpack'
import {
  BIAS,
  blocksOf,
  COLUMNS,
  INPUT_SCALE,
  layoutOf,
  RECORDS,
  RESIDUAL,
  REST,
  ROUNDING,
  ROWS,
  SCRATCH,
  SCRATCH_BYTES,
  TAIL,
  TOKENS,
  WEIGHT,
  X,
  Y,
} from './arguments'
import { storeGroup, storeWhole } from './store'

// Several tokens times a weight. Threads share the groups of 8 rows.

/** Tokens (a multiple of 8) whose activations stay in the L2 cache while the groups pass by. */
const TOKENS_AT_ONCE: u32 = 128

/** First stage for several tokens: quantizes them to records of four tokens each. */
export function quantizeTokens(args: usize, thread: u32, threads: u32): void {
  const layout = layoutOf(args)
  const codes = codesAt(layout)
  const wide = isWide(codes)
  const bytes = recordBytes(wide, 4) * blocksOf(args)
  roundTiles(args, 4, wide, mayWrap(codes, formAt(layout)), zeroAt(layout), bytes, thread, threads)
}

/**
 * Quantizes tokens to records of `perTile` tokens each, the tiles `bytes` apart. Threads share the tiles; zeros stand
 * for tokens that the last one lacks.
 */
export function roundTiles(
  args: usize,
  perTile: u32,
  wide: bool,
  wraps: bool,
  zero: i32,
  bytes: usize,
  thread: u32,
  threads: u32,
): void {
  const tokens = argument(args, TOKENS)
  const columns = argument(args, COLUMNS)
  const tiles = (tokens + perTile - 1) / perTile
  const tail: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES) + TAIL
  const end = shareEnd(tiles, thread, threads)
  for (let tile = shareBegin(tiles, thread, threads); tile < end; tile++) {
    const to: usize = argument(args, RECORDS) + <usize>tile * bytes
    const first = tile * perTile
    const count = min(perTile, tokens - first)
    if (count < perTile) memory.fill(to, 0, bytes)
    for (let token: u32 = 0; token < count; token++) {
      const from: usize = argument(args, X) + ((<usize>(first + token) * columns) << 2)
      const given = floatArgument(args, INPUT_SCALE)
      quantizeRow(from, columns, argument(args, ROUNDING), given, to, wide, perTile, token, zero, wraps, tail)
    }
  }
}

/** Second stage: multiplies each group of rows with `TOKENS_AT_ONCE` tokens, four at a time. */
export function gemmInt8(args: usize, thread: u32, threads: u32): void {
  const tokens = argument(args, TOKENS)
  const blocks = blocksOf(args)
  const layout = layoutOf(args)
  const wide = isWide(codesAt(layout))
  const out: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES)
  const panel = out + REST
  const codes = panel + blocks * PANEL_BYTES
  const rows = argument(args, ROWS)
  const groups = (rows + 7) >> 3
  const bytes = groupBytesAt(layout, blocks)
  const record = recordBytes(wide, 4)
  const quadBytes = record * blocks
  const kind = tileOf(layout)
  const y: usize = argument(args, Y)
  const stride: usize = (<usize>rows) << 2
  const bias: usize = argument(args, BIAS)
  const residual: usize = argument(args, RESIDUAL)
  const end = shareEnd(groups, thread, threads)
  for (let first: u32 = 0; first < tokens; first += TOKENS_AT_ONCE) {
    const last = min(first + TOKENS_AT_ONCE, tokens)
    for (let g = shareBegin(groups, thread, threads); g < end; g++) {
      unpack(layout, argument(args, WEIGHT) + g * bytes, blocks, panel)
      if (hasLevels(codesAt(layout))) widenLevels(panel, blocks, levelsAt(layout), codes)
      else if (wide) widenPanel(panel, PANEL_BYTES, blocks, zeroAt(layout), codes)
      const column: usize = (<usize>g) << 5
      for (let token = first; token < last; token += 4) {
        tile(kind, panel, codes, argument(args, RECORDS) + <usize>(token >> 2) * quadBytes, record, blocks, out)
        const at: usize = <usize>token * stride + column
        if (last - token >= 4 && rows - (g << 3) >= 8)
          storeWhole(4, out, y + at, stride, bias == 0 ? 0 : bias + column, residual == 0 ? 0 : residual + at)
        else storeGroup(args, token, min<u32>(4, last - token), g, out)
      }
    }
  }
}

/** Tiles whose sums may wrap (`mayWrap`). */
const WRAPPED: i32 = 4
const WRAPPED_HALVES: i32 = 6

/**
 * Number of the function for the tiles of a layout: sums that may wrap; or bits for offsets (1) and halves (2), and
 * from bit 2 on how many sums of 8-bit products i16 holds, 0 for products of 16 bits.
 */
function tileOf(layout: usize): i32 {
  const codes = codesAt(layout)
  const form = formAt(layout)
  if (mayWrap(codes, form)) return hasHalves(form) ? WRAPPED_HALVES : WRAPPED
  return ((isWide(codes) ? 0 : sumsInI16(codes)) << 2) | (hasHalves(form) ? 2 : 0) | (hasOffset(form) ? 1 : 0)
}

/** out[4][8] = four tokens, their first record at `x`, times the panel of a group. */
function tile(kind: i32, panel: usize, codes: usize, x: usize, record: usize, blocks: i32, out: usize): void {
  switch (kind) {
    case 0:
      return tileWide(codes, panel, x, record, blocks, out)
    case 1:
      return tileWideOffset(codes, panel, x, record, blocks, out)
    case 2:
      return tileWideHalves(codes, panel, x, record, blocks, out)
    case 3:
      return tileWideHalvesOffset(codes, panel, x, record, blocks, out)
    case WRAPPED:
      return tileWrapped(panel, x, record, blocks, out)
    case WRAPPED_HALVES:
      return tileWrappedHalves(panel, x, record, blocks, out)
    case 17:
      return tileNarrow2Offset(panel, x, record, blocks, out)
    case 32:
      return tileNarrow1Zero(panel, x, record, blocks, out)
    case 33:
      return tileNarrow1Offset(panel, x, record, blocks, out)
    default:
      if (kind & 1) tileNarrow2HalvesOffset(panel, x, record, blocks, out)
      else tileNarrow2HalvesZero(panel, x, record, blocks, out)
  }
}
