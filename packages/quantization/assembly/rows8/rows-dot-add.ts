import { argument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { FIELDS, SCALE, ZERO } from './activations'
import { dotAdd } from './lanes'
import { groupBytesAt, superBytesAt } from './layout'
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
} from './linear/arguments'
import { storeGroup } from './linear/store'
import { roundTiles } from './linear/tokens'
import { flipBytes } from './panel'
import { storeScaled } from './rows'
import { TILE_TOKENS } from './tiles/dot-add'

// W8A8 as in rows.ts, where products of bytes are summed in 32 bits by one instruction. Behind the records of six tokens
// lie where their sums begin (−zero · Σ q over the whole row, which may wrap: the sums end where they fit) and their
// scales.

const RECORD: usize = TILE_TOKENS * (32 + 4 * FIELDS)
const FIELDS_AT: usize = 32 * TILE_TOKENS
const TOTALS: usize = 4 * TILE_TOKENS

@inline
function tileBytes(blocks: i32): usize {
  return <usize>blocks * RECORD + 2 * TOTALS
}

/** First stage: quantizes tokens to records of six, and sums over each. */
export function roundRowsForAdd(args: usize, thread: u32, threads: u32): void {
  if (!ASC_FEATURE_RELAXED_SIMD) return
  const blocks = blocksOf(args)
  const bytes = tileBytes(blocks)
  roundTiles(args, TILE_TOKENS, false, false, argument(args, SHIFT), bytes, thread, threads)
  const tiles = (argument(args, TOKENS) + TILE_TOKENS - 1) / TILE_TOKENS
  const end = shareEnd(tiles, thread, threads)
  for (let tile = shareBegin(tiles, thread, threads); tile < end; tile++) {
    const x: usize = argument(args, RECORDS) + <usize>tile * bytes
    const totals = x + <usize>blocks * RECORD
    for (let token: usize = 0; token < TOTALS; token += 4) {
      let total = 0
      for (let f = x + FIELDS_AT + token; f < totals; f += RECORD) total += load<i32>(f + TOTALS * ZERO)
      store<i32>(totals + token, total)
      store<f32>(totals + TOTALS + token, load<f32>(x + FIELDS_AT + token + TOTALS * SCALE))
    }
  }
}

/** Second stage: six tokens after six times as many groups as fit into the scratch memory. */
export function gemmRowsDotAdd(args: usize, thread: u32, threads: u32): void {
  if (!ASC_FEATURE_RELAXED_SIMD) return
  const tokens = argument(args, TOKENS)
  const rows = argument(args, ROWS)
  const blocks = blocksOf(args)
  const shared = superBytesAt(layoutOf(args))
  const out: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES)
  const panelBytes: usize = (<usize>blocks) << 8
  const y: usize = argument(args, Y)
  const stride: usize = (<usize>rows) << 2
  const bias: usize = argument(args, BIAS)
  const residual: usize = argument(args, RESIDUAL)
  const groups = (rows + 7) >> 3
  const bytes = groupBytesAt(layoutOf(args), blocks)
  const atOnce = max<u32>(1, <u32>((argument(args, SCRATCH_BYTES) - REST) / max<usize>(panelBytes, 1)))
  const end = shareEnd(groups, thread, threads)
  // Signed codes are read where they lie if the instruction takes them.
  const isFlipped = argument(args, SHIFT) != 0
  const distance = isFlipped ? panelBytes : bytes
  for (let first = shareBegin(groups, thread, threads); first < end; first += atOnce) {
    const last = min(first + atOnce, end)
    const codes: usize = argument(args, WEIGHT) + first * bytes + shared
    const panels = isFlipped ? out + REST : codes
    if (isFlipped)
      for (let g = first, from = codes, to = panels; g < last; g++, from += bytes, to += panelBytes)
        flipBytes(from, 256, blocks, to, 256)
    for (let token: u32 = 0; token < tokens; token += TILE_TOKENS) {
      const x: usize = argument(args, RECORDS) + <usize>(token / TILE_TOKENS) * tileBytes(blocks)
      const line: usize = <usize>token * stride
      for (let g = first, panel = panels; g < last; g++, panel += distance) {
        const scales: usize = argument(args, WEIGHT) + g * bytes
        const column: usize = (<usize>g) << 5
        // Whole tiles are stored in place, tiles at an edge in parts.
        if (tokens - token >= TILE_TOKENS && rows - (g << 3) >= 8) {
          const at = line + column
          const rest = residual == 0 ? 0 : residual + at
          rowsTileAdd(panel, x, blocks, scales, y + at, stride, bias == 0 ? 0 : bias + column, rest)
        } else {
          rowsTileAdd(panel, x, blocks, scales, out, 32, 0, 0)
          storeGroup(args, token, min<u32>(TILE_TOKENS, tokens - token), g, out)
        }
      }
    }
  }
}

/** y[6][8] = sums over whole rows, times the scales of the tokens and those of the rows at `scales`. */
export function rowsTileAdd(
  panel: usize,
  x: usize,
  blocks: i32,
  scales: usize,
  y: usize,
  stride: usize,
  bias: usize,
  residual: usize,
): void {
  if (!ASC_FEATURE_RELAXED_SIMD) return
  const last = panel + ((<usize>blocks) << 8)
  const totals = x + <usize>blocks * RECORD
  let a0 = v128.load32_splat(totals)
  let b0 = v128.load32_splat(totals, 4)
  let c0 = v128.load32_splat(totals, 8)
  let d0 = v128.load32_splat(totals, 12)
  let e0 = v128.load32_splat(totals, 16)
  let f0 = v128.load32_splat(totals, 20)
  let a1 = a0
  let b1 = b0
  let c1 = c0
  let d1 = d0
  let e1 = e0
  let f1 = f0
  for (; panel < last; x += RECORD - 32) {
    for (const end = panel + 256; panel < end; panel += 32, x += 4) {
      const q0 = v128.load(panel)
      const q1 = v128.load(panel, 16)
      let xt = v128.load32_splat(x)
      a0 = dotAdd(xt, q0, a0)
      a1 = dotAdd(xt, q1, a1)
      xt = v128.load32_splat(x, 32)
      b0 = dotAdd(xt, q0, b0)
      b1 = dotAdd(xt, q1, b1)
      xt = v128.load32_splat(x, 64)
      c0 = dotAdd(xt, q0, c0)
      c1 = dotAdd(xt, q1, c1)
      xt = v128.load32_splat(x, 96)
      d0 = dotAdd(xt, q0, d0)
      d1 = dotAdd(xt, q1, d1)
      xt = v128.load32_splat(x, 128)
      e0 = dotAdd(xt, q0, e0)
      e1 = dotAdd(xt, q1, e1)
      xt = v128.load32_splat(x, 160)
      f0 = dotAdd(xt, q0, f0)
      f1 = dotAdd(xt, q1, f1)
    }
  }
  const rest: usize = residual == 0 ? 0 : stride
  const s = totals + TOTALS
  storeScaled(a0, a1, v128.load32_splat(s), scales, y, bias, residual)
  storeScaled(b0, b1, v128.load32_splat(s, 4), scales, y + stride, bias, residual + rest)
  storeScaled(c0, c1, v128.load32_splat(s, 8), scales, y + 2 * stride, bias, residual + 2 * rest)
  storeScaled(d0, d1, v128.load32_splat(s, 12), scales, y + 3 * stride, bias, residual + 3 * rest)
  storeScaled(e0, e1, v128.load32_splat(s, 16), scales, y + 4 * stride, bias, residual + 4 * rest)
  storeScaled(f0, f1, v128.load32_splat(s, 20), scales, y + 5 * stride, bias, residual + 5 * rest)
}
