import { tilesOf } from '@tessera-llm/kernels/assembly/linear/lay-tokens'
import { panelProduct, panelRow, storeToken, SUMS_BYTES } from '@tessera-llm/kernels/assembly/linear/panel'
import { storeTile } from '@tessera-llm/kernels/assembly/linear/store'
import { argument, beginPages, floatArgument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { quantizeRow, recordBytes } from './activations'
import {
  blockBytesAt,
  codesAt,
  formAt,
  groupBytesAt,
  hasHalves,
  hasLevels,
  hasOffset,
  headBytesAt,
  isWide,
  levelsAt,
  mayWrap,
  sumsInI16,
  superBlocksAt,
  superBytesAt,
  zeroAt,
} from './layout'
import { widenLevels } from './levels'
import { PANEL_BYTES, widenPanel } from './panel'
import { spreadBy } from './spread'
import {
  tileNarrow1Offset,
  tileNarrow1Zero,
  tileNarrow2HalvesOffset,
  tileNarrow2HalvesZero,
  tileNarrow2Offset,
  tileWide,
  tileWideHalves,
  tileWideHalvesOffset,
  tileWideOffset,
  tileWrapped,
  tileWrappedHalves,
} from './tile'
import { finishTokenBy } from './token-finish'
import { areSideBySide, tokenSums } from './token-sums'
import { unpack } from './unpack'

// y = x · weightᵀ + bias + residual. Groups of 8 rows are shared out among the threads.

/** Words of every argument block. */
export const X: u32 = 0
export const WEIGHT: u32 = 1
export const BIAS: u32 = 2
export const RESIDUAL: u32 = 3
export const Y: u32 = 4
export const TOKENS: u32 = 5
export const ROWS: u32 = 6
export const COLUMNS: u32 = 7
/** Scratch memory of all threads, its bytes per thread, and the int8 records or f32 quads of tokens that all share. */
export const SCRATCH: u32 = 8
export const SCRATCH_BYTES: u32 = 9
export const RECORDS: u32 = 10
/** Argument words: rounding of activations (see `activations.ts`), the given scale, if any, and the weight's layout. */
export const ROUNDING: u32 = 11
export const INPUT_SCALE: u32 = 12
export const LAYOUT: u32 = 13

/** Scratch of a thread: the results of a tile, the last columns of a row filled up, then what the step needs. */
export const TAIL: usize = 128
export const REST: usize = 256

/** Bytes by which one token's product starts the pages of its weight ahead of use, where groups are contiguous. */
const AHEAD: usize = 24576

/** Groups of a share that one token meets side by side: memory answers so many streams faster than one. */
const STREAMS: u32 = 4

/** Tokens (a multiple of 8) whose activations stay in the L2 cache while the groups pass by. */
const TOKENS_AT_ONCE: u32 = 128
/** Nearly as many where tokens lie in sixes. */
const TILES_AT_ONCE: u32 = 21

@inline
export function blocksOf(args: usize): i32 {
  return <i32>((argument(args, COLUMNS) + 31) >> 5)
}

@inline
export function layoutOf(args: usize): usize {
  return args + (LAYOUT << 2)
}

/**
 * Adds bias and residual of group g to the sums of `count` tokens from `token` on, which lie at `sums`, and stores
 * them.
 */
@inline
export function storeGroup(args: usize, token: u32, count: u32, g: u32, sums: usize): void {
  const rows = argument(args, ROWS)
  const stride: usize = (<usize>rows) << 2
  const column: usize = (<usize>g) << 5
  const at = <usize>token * stride + column
  const bias: usize = argument(args, BIAS)
  const residual: usize = argument(args, RESIDUAL)
  storeTile(
    sums,
    count,
    min<u32>(8, rows - (g << 3)),
    argument(args, Y) + at,
    stride,
    bias == 0 ? 0 : bias + column,
    residual == 0 ? 0 : residual + at,
  )
}

/** The same for whole tiles, results 32 bytes apart; `bias` and `residual` (0 for none) are where the tile's begin. */
@inline
function storeWhole(sums: usize, y: usize, stride: usize, bias: usize, residual: usize): void {
  const rest: usize = residual == 0 ? 0 : stride
  storeToken(v128.load(sums), v128.load(sums, 16), y, bias, residual)
  storeToken(v128.load(sums, 32), v128.load(sums, 48), y + stride, bias, residual + rest)
  storeToken(v128.load(sums, 64), v128.load(sums, 80), y + 2 * stride, bias, residual + 2 * rest)
  storeToken(v128.load(sums, 96), v128.load(sums, 112), y + 3 * stride, bias, residual + 3 * rest)
}

/** One token, int8 activations. Each thread quantizes x for itself: that is cheaper than a barrier. */
export function gemvInt8(args: usize, thread: u32, threads: u32): void {
  tokenProduct(args, argument(args, X), false, thread, threads)
}

/**
 * One token at x, or with `isRounded` the one whose records the thread's scratch holds from a product before with the
 * same way to store codes.
 */
export function tokenProduct(args: usize, x: usize, isRounded: bool, thread: u32, threads: u32): void {
  const layout = layoutOf(args)
  const codes = codesAt(layout)
  const form = formAt(layout)
  const wide = isWide(codes)
  const blocks = blocksOf(args)
  const head = headBytesAt(layout)
  const block = blockBytesAt(layout)
  const superBytes = superBytesAt(layout)
  const superBlocks = superBlocksAt(layout)
  const out: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES)
  const bytes = out + REST
  const sums = bytes + 256
  const span = (<usize>blocks) << 6
  const records = sums + STREAMS * span
  const record = recordBytes(wide, 1)
  const fields = records + (wide ? 64 : 32)
  const groups = (argument(args, ROWS) + 7) >> 3
  const stride = groupBytesAt(layout, blocks)
  const begin = shareBegin(groups, thread, threads)
  const end = shareEnd(groups, thread, threads)
  const last = argument(args, WEIGHT) + end * stride
  const quarter = areSideBySide(codes) ? (end - begin) / STREAMS : 0
  const rest = begin + STREAMS * quarter
  const distance = quarter * stride
  let group = argument(args, WEIGHT) + rest * stride
  let begun = beginPages(group, group + AHEAD, last, out)
  if (!isRounded)
    quantizeRow(
      x,
      argument(args, COLUMNS),
      argument(args, ROUNDING),
      floatArgument(args, INPUT_SCALE),
      records,
      wide,
      1,
      0,
      zeroAt(layout),
      false,
      out + TAIL,
    )
  for (let g = begin, p = argument(args, WEIGHT) + begin * stride; g < begin + quarter; g++, p += stride) {
    tokenSums(
      codes,
      p,
      STREAMS,
      distance,
      records,
      blocks,
      head,
      block,
      superBytes,
      superBlocks,
      hasHalves(form),
      sums,
      span,
      bytes,
      0,
    )
    for (let s: u32 = 0; s < STREAMS; s++) {
      finishTokenBy(
        form,
        p + s * distance,
        fields,
        record,
        blocks,
        block,
        superBytes,
        superBlocks,
        sums + s * span,
        out,
      )
      storeToken8(args, g + s * quarter, out)
    }
  }
  for (let g = rest; g < end; g++, group += stride) {
    tokenSums(
      codes,
      group,
      1,
      stride,
      records,
      blocks,
      head,
      block,
      superBytes,
      superBlocks,
      hasHalves(form),
      sums,
      span,
      bytes,
      levelsAt(layout),
    )
    // Where memory would rest: what is left to do with this group lies in the cache.
    begun = beginPages(begun, group + stride + AHEAD, last, out)
    finishTokenBy(form, group, fields, record, blocks, block, superBytes, superBlocks, sums, out)
    storeToken8(args, g, out)
  }
}

/** Adds bias and residual of group g to one token's sums at `out`, and stores them. */
@inline
function storeToken8(args: usize, g: u32, out: usize): void {
  const y: usize = argument(args, Y)
  const bias: usize = argument(args, BIAS)
  const residual: usize = argument(args, RESIDUAL)
  const column: usize = (<usize>g) << 5
  if (argument(args, ROWS) - (g << 3) >= 8)
    storeToken(
      v128.load(out),
      v128.load(out, 16),
      y + column,
      bias == 0 ? 0 : bias + column,
      residual == 0 ? 0 : residual + column,
    )
  else storeGroup(args, 0, 1, g, out)
}

/**
 * First stage for several tokens: records of four tokens each, quads shared out; tokens that are missing in the last
 * quad count as zeros.
 */
export function quantizeTokens(args: usize, thread: u32, threads: u32): void {
  const tokens = argument(args, TOKENS)
  const columns = argument(args, COLUMNS)
  const blocks = blocksOf(args)
  const layout = layoutOf(args)
  const wide = isWide(codesAt(layout))
  const wraps = mayWrap(codesAt(layout), formAt(layout))
  const quads = (tokens + 3) >> 2
  const bytes = recordBytes(wide, 4) * blocks
  const tail: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES) + TAIL
  const end = shareEnd(quads, thread, threads)
  for (let quad = shareBegin(quads, thread, threads); quad < end; quad++) {
    const to: usize = argument(args, RECORDS) + <usize>quad * bytes
    if (tokens - (quad << 2) < 4) memory.fill(to, 0, bytes)
    for (let token: u32 = 0; token < min<u32>(4, tokens - (quad << 2)); token++) {
      const from: usize = argument(args, X) + (((<usize>(quad << 2) + token) * columns) << 2)
      quantizeRow(
        from,
        columns,
        argument(args, ROUNDING),
        floatArgument(args, INPUT_SCALE),
        to,
        wide,
        4,
        token,
        zeroAt(layout),
        wraps,
        tail,
      )
    }
  }
}

/** Second stage: each group of rows meets the tokens of a stretch, four at a time. */
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
          storeWhole(out, y + at, stride, bias == 0 ? 0 : bias + column, residual == 0 ? 0 : residual + at)
        else storeGroup(args, token, min<u32>(4, last - token), g, out)
      }
    }
  }
}

/** Sums that may wrap. */
const WRAPPED: i32 = 4
const WRAPPED_HALVES: i32 = 6

/**
 * Which function computes the tiles of a layout: sums that may wrap; or halves, offsets, and how many sums of 8-bit
 * products i16 holds, 0 for products of 16 bits.
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

/**
 * f32 activations: a group is laid out as f32 and multiplied as a dense weight is; several tokens lie column by column
 * at RECORDS.
 */
export function exactProduct(args: usize, thread: u32, threads: u32): void {
  const tokens = argument(args, TOKENS)
  const rows = argument(args, ROWS)
  const columns = argument(args, COLUMNS)
  const blocks = blocksOf(args)
  const layout = layoutOf(args)
  const bytes = groupBytesAt(layout, blocks)
  const bias: usize = argument(args, BIAS)
  const residual: usize = argument(args, RESIDUAL)
  const codes: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES)
  const out = codes + blocks * PANEL_BYTES
  const panel = out + SUMS_BYTES
  const strideY: usize = (<usize>rows) << 2
  const groups = (rows + 7) >> 3
  const end = shareEnd(groups, thread, threads)
  const tiles = tilesOf(tokens)
  for (let first: u32 = 0; first < tiles; first += TILES_AT_ONCE) {
    const last = min(first + TILES_AT_ONCE, tiles)
    for (let g = shareBegin(groups, thread, threads); g < end; g++) {
      unpack(layout, argument(args, WEIGHT) + g * bytes, blocks, codes)
      spreadBy(layout, codes, blocks, panel)
      if (tokens == 1) {
        panelRow(argument(args, X), panel, columns, out)
        storeGroup(args, 0, 1, g, out)
        continue
      }
      const at: usize = (<usize>g) << 5
      const valid = min<u32>(8, rows - (g << 3))
      panelProduct(
        argument(args, RECORDS),
        tokens,
        first,
        last,
        panel,
        columns,
        argument(args, Y) + at,
        strideY,
        valid,
        bias == 0 ? 0 : bias + at,
        residual == 0 ? 0 : residual + at,
      )
    }
  }
}
