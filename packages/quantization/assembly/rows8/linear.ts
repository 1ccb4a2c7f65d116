import { addAndStore } from '@tessera-llm/kernels/assembly/linear/store'
import { panelProduct, panelRow, SUMS_BYTES } from '@tessera-llm/kernels/assembly/linear/panel'
import { argument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { quantizeBlock, recordBytes } from './activations'
import { unpackGroup } from './gemm-int8'
import { tile } from './gemm-tiles'
import { gemvGroup, isWide } from './gemv-int8'
import { groupBytes, zeroPoint } from './layout'
import { layPanel } from './panel'

// y = x · weightᵀ + bias + residual. Groups of 8 rows are shared out among the threads.

/** Words of every argument block. */
const X: u32 = 0, WEIGHT: u32 = 1, BIAS: u32 = 2, RESIDUAL: u32 = 3, Y: u32 = 4, TOKENS: u32 = 5, ROWS: u32 = 6, COLUMNS: u32 = 7
/** Scratch memory of all threads, its bytes per thread, and the int8 records or f32 quads of tokens that all share. */
const SCRATCH: u32 = 8, SCRATCH_BYTES: u32 = 9, RECORDS: u32 = 10

/** Tokens (a multiple of 8) whose activations stay in the L2 cache while the groups pass by. */
const TOKENS_AT_ONCE: u32 = 128

/** One token, int8 activations. Each thread quantizes x for itself: that is cheaper than a barrier. */
@inline export function gemvInt8(kind: i32, args: usize, thread: u32, threads: u32): void {
  const rows = argument(args, ROWS), blocks: i32 = argument(args, COLUMNS) >> 5
  const x: usize = argument(args, X), weight: usize = argument(args, WEIGHT), y: usize = argument(args, Y)
  const bias: usize = argument(args, BIAS), residual: usize = argument(args, RESIDUAL)
  const out: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES), records = out + 128
  const record = recordBytes(isWide(kind), 1)
  for (let b = 0; b < blocks; b++) quantizeBlock(x + b * 128, records + b * record, isWide(kind), 1, 0, zeroPoint(kind))
  const groups = (rows + 7) >> 3
  const end = shareEnd(groups, thread, threads)
  for (let g = shareBegin(groups, thread, threads); g < end; g++) {
    gemvGroup(kind, weight + <usize>g * groupBytes(kind, blocks), records, blocks, out)
    const at: usize = <usize>g << 5
    addAndStore(y + at, v128.load(out), v128.load(out, 16), min<u32>(8, rows - (g << 3)), bias == 0 ? 0 : bias + at, residual == 0 ? 0 : residual + at)
  }
}

/** First stage for several tokens: records of four tokens each, quads shared out; tokens that are missing in the last quad count as zeros. */
@inline export function quantizeTokens(kind: i32, args: usize, thread: u32, threads: u32): void {
  const tokens = argument(args, TOKENS), columns = argument(args, COLUMNS), blocks: i32 = columns >> 5
  const quads = (tokens + 3) >> 2
  const record = recordBytes(isWide(kind), 4)
  const end = shareEnd(quads, thread, threads)
  for (let quad = shareBegin(quads, thread, threads); quad < end; quad++) {
    const to: usize = argument(args, RECORDS) + <usize>quad * record * blocks
    if (tokens - (quad << 2) < 4) memory.fill(to, 0, record * blocks)
    for (let column: u32 = 0; column < min<u32>(4, tokens - (quad << 2)); column++) {
      const from: usize = argument(args, X) + ((<usize>(quad << 2) + column) * columns << 2)
      for (let b = 0; b < blocks; b++) quantizeBlock(from + b * 128, to + b * record, isWide(kind), 4, column, zeroPoint(kind))
    }
  }
}

/** Second stage: each group of rows meets the tokens of a stretch, four at a time. */
@inline export function gemmInt8(kind: i32, args: usize, thread: u32, threads: u32): void {
  const tokens = argument(args, TOKENS), rows = argument(args, ROWS), blocks: i32 = argument(args, COLUMNS) >> 5
  const weight: usize = argument(args, WEIGHT), y: usize = argument(args, Y), bias: usize = argument(args, BIAS), residual: usize = argument(args, RESIDUAL)
  const out: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES)
  const panel = out + 128, quadBytes = recordBytes(isWide(kind), 4) * blocks
  const groups = (rows + 7) >> 3
  const end = shareEnd(groups, thread, threads)
  for (let first: u32 = 0; first < tokens; first += TOKENS_AT_ONCE) {
    const last = min(first + TOKENS_AT_ONCE, tokens)
    for (let g = shareBegin(groups, thread, threads); g < end; g++) {
      unpackGroup(kind, weight + <usize>g * groupBytes(kind, blocks), blocks, panel)
      const valid = min<u32>(8, rows - (g << 3))
      for (let token = first; token < last; token += 4) {
        const x: usize = argument(args, RECORDS) + <usize>(token >> 2) * quadBytes
        tile(kind, panel, x, blocks, out)
        for (let i: u32 = 0; i < min<u32>(4, last - token); i++) {
          const at: usize = <usize>(token + i) * (<usize>rows << 2) + (<usize>g << 5)
          const sums = out + (i << 5)
          addAndStore(y + at, v128.load(sums), v128.load(sums, 16), valid, bias == 0 ? 0 : bias + (<usize>g << 5), residual == 0 ? 0 : residual + at)
        }
      }
    }
  }
}

/** f32 activations: a group is laid out as f32 and multiplied as a dense weight is; several tokens lie in quads at RECORDS. */
@inline export function exactProduct(kind: i32, args: usize, thread: u32, threads: u32): void {
  const tokens = argument(args, TOKENS), rows = argument(args, ROWS), columns = argument(args, COLUMNS)
  const weight: usize = argument(args, WEIGHT), y: usize = argument(args, Y), bias: usize = argument(args, BIAS), residual: usize = argument(args, RESIDUAL)
  const out: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES), panel = out + SUMS_BYTES
  const strideY: usize = <usize>rows << 2
  const groups = (rows + 7) >> 3
  const end = shareEnd(groups, thread, threads)
  for (let first: u32 = 0; first < tokens; first += TOKENS_AT_ONCE) {
    const count = min(TOKENS_AT_ONCE, tokens - first)
    for (let g = shareBegin(groups, thread, threads); g < end; g++) {
      layPanel(kind, weight + <usize>g * groupBytes(kind, columns >> 5), columns >> 5, panel)
      const at: usize = <usize>g << 5, valid = min<u32>(8, rows - (g << 3))
      const addBias = bias == 0 ? 0 : bias + at, addResidual = residual == 0 ? 0 : residual + first * strideY + at
      if (tokens == 1) {
        panelRow(argument(args, X), panel, columns, out)
        addAndStore(y + at, v128.load(out), v128.load(out, 16), valid, addBias, addResidual)
      } else panelProduct(argument(args, RECORDS) + (<usize>first * columns << 2), count, panel, columns, y + first * strideY + at, strideY, valid, addBias, addResidual)
    }
  }
}
