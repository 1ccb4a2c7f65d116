import { argument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { recordBytes } from '../activations'
import { formAt, groupBytesAt, hasHalves, hasOffset, zeroAt } from '../layout'
import { flipBytes, PANEL_BYTES } from '../panel'
import { TILE_TOKENS, tileAddHalvesOffset, tileAddHalvesZero, tileAddOffset, tileAddZero } from '../tiles/dot-add'
import { unpack } from '../unpack/unpack'
import {
  BIAS,
  blocksOf,
  layoutOf,
  RECORDS,
  RESIDUAL,
  REST,
  ROWS,
  SCRATCH,
  SCRATCH_BYTES,
  SHIFT,
  TOKENS,
  WEIGHT,
  Y,
} from './arguments'
import { storeGroup, storeWhole } from './store'
import { roundTiles } from './tokens'

// Several tokens times a weight, where products of bytes are summed in 32 bits by one instruction. It takes codes of
// any kind as bytes, so that none is widened. Signed codes become unsigned ones where the instruction takes those: 128
// is added to them, and to their zero.

/** Tokens (a multiple of six) whose activations stay in the L2 cache while the groups pass by. */
const TOKENS_AT_ONCE: u32 = 126

/** First stage: quantizes tokens to records of six. */
export function roundTokensForAdd(args: usize, thread: u32, threads: u32): void {
  if (!ASC_FEATURE_RELAXED_SIMD) return
  const zero = zeroAt(layoutOf(args)) + argument(args, SHIFT)
  const bytes = recordBytes(false, TILE_TOKENS) * blocksOf(args)
  roundTiles(args, TILE_TOKENS, false, false, zero, bytes, thread, threads)
}

/** Second stage: multiplies each group of 8 rows with `TOKENS_AT_ONCE` tokens, six at a time. */
export function gemmDotAdd(args: usize, thread: u32, threads: u32): void {
  if (!ASC_FEATURE_RELAXED_SIMD) return
  const tokens = argument(args, TOKENS)
  const blocks = blocksOf(args)
  const layout = layoutOf(args)
  const out: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES)
  const panel = out + REST
  const rows = argument(args, ROWS)
  const groups = (rows + 7) >> 3
  const bytes = groupBytesAt(layout, blocks)
  const record = recordBytes(false, TILE_TOKENS)
  const tileBytes: usize = record * blocks
  const form = formAt(layout)
  const kind = (hasHalves(form) ? 2 : 0) | (hasOffset(form) ? 1 : 0)
  const y: usize = argument(args, Y)
  const stride: usize = (<usize>rows) << 2
  const bias: usize = argument(args, BIAS)
  const residual: usize = argument(args, RESIDUAL)
  const end = shareEnd(groups, thread, threads)
  for (let first: u32 = 0; first < tokens; first += TOKENS_AT_ONCE) {
    const last = min(first + TOKENS_AT_ONCE, tokens)
    for (let g = shareBegin(groups, thread, threads); g < end; g++) {
      unpack(layout, argument(args, WEIGHT) + g * bytes, blocks, panel)
      if (argument(args, SHIFT) != 0) flipBytes(panel, PANEL_BYTES, blocks, panel, PANEL_BYTES)
      const column: usize = (<usize>g) << 5
      for (let token = first; token < last; token += TILE_TOKENS) {
        const x: usize = argument(args, RECORDS) + <usize>(token / TILE_TOKENS) * tileBytes
        if (kind == 0) tileAddZero(panel, x, record, blocks, out)
        else if (kind == 1) tileAddOffset(panel, x, record, blocks, out)
        else if (kind == 2) tileAddHalvesZero(panel, x, record, blocks, out)
        else tileAddHalvesOffset(panel, x, record, blocks, out)
        const at: usize = <usize>token * stride + column
        if (last - token >= TILE_TOKENS && rows - (g << 3) >= 8)
          storeWhole(TILE_TOKENS, out, y + at, stride, bias == 0 ? 0 : bias + column, residual == 0 ? 0 : residual + at)
        else storeGroup(args, token, min<u32>(TILE_TOKENS, last - token), g, out)
      }
    }
  }
}
