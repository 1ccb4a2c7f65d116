import { storeToken } from '@tessera-llm/kernels/assembly/linear/panel'
import { argument, floatArgument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { codes4, inverseOf, leastOf, mostOf, saturatesBy } from './activations'
import { dot16 } from './lanes'
import { groupBytesAt, superBytesAt } from './layout'
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
} from './linear/arguments'
import { storeGroup } from './linear/store'
import { widenPanel } from './panel'

// W8A8: weights of 8 bits with one scale a row, activations of 8 bits with one scale a token or for all (or of 4 bits).
// Sums run over whole rows in i32 and are scaled once: |Σ| < 2^31 up to 133 000 columns.
//
// Four tokens lie side by side: i16 [K / 2][4][2], K rounded up to 32 with zeros, then 4 f32 scales.

@inline
function quadBytes(blocks: i32): usize {
  return <usize>blocks * 256 + 16
}

/** First stage: quantizes quads of tokens, which threads share. */
export function quantizeRows(args: usize, thread: u32, threads: u32): void {
  const tokens = argument(args, TOKENS)
  const columns = argument(args, COLUMNS)
  const blocks = blocksOf(args)
  const tail: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES) + TAIL
  const rounding = argument(args, ROUNDING)
  const given = floatArgument(args, INPUT_SCALE)
  const least = leastOf(rounding)
  const most = mostOf(rounding)
  const quads = (tokens + 3) >> 2
  const end = shareEnd(quads, thread, threads)
  for (let quad = shareBegin(quads, thread, threads); quad < end; quad++) {
    const to: usize = argument(args, RECORDS) + <usize>quad * quadBytes(blocks)
    const scales = to + ((<usize>blocks) << 8)
    const stride: usize = (<usize>columns) << 2
    const x: usize = argument(args, X) + ((<usize>quad) << 2) * stride
    const count = tokens - (quad << 2)
    // The last token stands for missing ones; nothing is stored for them.
    const x1 = x + min<u32>(1, count - 1) * stride
    const x2 = x + min<u32>(2, count - 1) * stride
    const x3 = x + min<u32>(3, count - 1) * stride
    const a = f32x4.splat(inverseOf(x, columns, rounding, given, scales))
    const b = f32x4.splat(inverseOf(x1, columns, rounding, given, scales + 4))
    const c = f32x4.splat(inverseOf(x2, columns, rounding, given, scales + 8))
    const d = f32x4.splat(inverseOf(x3, columns, rounding, given, scales + 12))
    let k: u32 = 0
    if (saturatesBy(rounding))
      for (; k + 8 <= columns; k += 8)
        interleave(
          codes8(x + ((<usize>k) << 2), a, true, least, most),
          codes8(x1 + ((<usize>k) << 2), b, true, least, most),
          codes8(x2 + ((<usize>k) << 2), c, true, least, most),
          codes8(x3 + ((<usize>k) << 2), d, true, least, most),
          to + ((<usize>k) << 3),
        )
    else
      for (; k + 8 <= columns; k += 8)
        interleave(
          codes8(x + ((<usize>k) << 2), a, false, least, most),
          codes8(x1 + ((<usize>k) << 2), b, false, least, most),
          codes8(x2 + ((<usize>k) << 2), c, false, least, most),
          codes8(x3 + ((<usize>k) << 2), d, false, least, most),
          to + ((<usize>k) << 3),
        )
    if (k == columns) {
      memory.fill(to + ((<usize>k) << 3), 0, ((<usize>blocks) << 8) - ((<usize>k) << 3))
      continue
    }
    // The last columns of each token, padded to 8.
    const left = (columns - k) << 2
    memory.fill(tail, 0, 128)
    memory.copy(tail, x + ((<usize>k) << 2), left),
      memory.copy(tail + 32, x1 + ((<usize>k) << 2), left),
      memory.copy(tail + 64, x2 + ((<usize>k) << 2), left),
      memory.copy(tail + 96, x3 + ((<usize>k) << 2), left)
    interleave(
      codes8(tail, a, true, least, most),
      codes8(tail + 32, b, true, least, most),
      codes8(tail + 64, c, true, least, most),
      codes8(tail + 96, d, true, least, most),
      to + ((<usize>k) << 3),
    )
    memory.fill(to + ((<usize>(k + 8)) << 3), 0, ((<usize>blocks) << 8) - ((<usize>(k + 8)) << 3))
  }
}

@inline
function codes8(x: usize, inverse: v128, saturates: bool, least: v128, most: v128): v128 {
  return i16x8.narrow_i32x4_s(
    codes4(x, 0, inverse, saturates, least, most),
    codes4(x, 16, inverse, saturates, least, most),
  )
}

/** Pairs of columns of four tokens: [pair][token]. */
@inline
function interleave(a: v128, b: v128, c: v128, d: v128, to: usize): void {
  const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5)
  const ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
  const cd0 = v128.shuffle<i32>(c, d, 0, 4, 1, 5)
  const cd1 = v128.shuffle<i32>(c, d, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<i64>(ab0, cd0, 0, 2))
  v128.store(to, v128.shuffle<i64>(ab0, cd0, 1, 3), 16)
  v128.store(to, v128.shuffle<i64>(ab1, cd1, 0, 2), 32)
  v128.store(to, v128.shuffle<i64>(ab1, cd1, 1, 3), 48)
}

/**
 * Second stage: widens as many groups at a time as fit into the scratch memory, then multiplies them with four tokens
 * after four, so that results fill cache lines.
 */
export function gemmRows(args: usize, thread: u32, threads: u32): void {
  const tokens = argument(args, TOKENS)
  const rows = argument(args, ROWS)
  const blocks = blocksOf(args)
  const shared = superBytesAt(layoutOf(args))
  const out: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES)
  const panels = out + REST
  const panelBytes: usize = (<usize>blocks) << 9
  const y: usize = argument(args, Y)
  const stride: usize = (<usize>rows) << 2
  const bias: usize = argument(args, BIAS)
  const residual: usize = argument(args, RESIDUAL)
  const groups = (rows + 7) >> 3
  const bytes = groupBytesAt(layoutOf(args), blocks)
  const atOnce = max<u32>(1, <u32>((argument(args, SCRATCH_BYTES) - REST) / max<usize>(panelBytes, 1)))
  const end = shareEnd(groups, thread, threads)
  for (let first = shareBegin(groups, thread, threads); first < end; first += atOnce) {
    const last = min(first + atOnce, end)
    for (let g = first, panel = panels; g < last; g++, panel += panelBytes)
      widenPanel(argument(args, WEIGHT) + g * bytes + shared, 256, blocks, 0, panel)
    for (let token: u32 = 0; token < tokens; token += 4) {
      const x: usize = argument(args, RECORDS) + <usize>(token >> 2) * quadBytes(blocks)
      const line: usize = <usize>token * stride
      for (let g = first, panel = panels; g < last; g++, panel += panelBytes) {
        const group: usize = argument(args, WEIGHT) + g * bytes
        const column: usize = (<usize>g) << 5
        // Whole tiles are stored in place, tiles at an edge in parts.
        if (tokens - token >= 4 && rows - (g << 3) >= 8) {
          rowsTile(
            panel,
            x,
            blocks << 4,
            group,
            y + line + column,
            stride,
            bias == 0 ? 0 : bias + column,
            residual == 0 ? 0 : residual + line + column,
          )
        } else {
          rowsTile(panel, x, blocks << 4, group, out, 32, 0, 0)
          storeGroup(args, token, min<u32>(4, tokens - token), g, out)
        }
      }
    }
  }
}

/**
 * y[4][8] = i32 sums over `steps` pairs of columns, times the scales of the tokens, which follow `x`, and those of the
 * rows at `scales`.
 */
export function rowsTile(
  codes: usize,
  x: usize,
  steps: i32,
  scales: usize,
  y: usize,
  stride: usize,
  bias: usize,
  residual: usize,
): void {
  let a0 = i32x4.splat(0)
  let a1 = a0
  let b0 = a0
  let b1 = a0
  let c0 = a0
  let c1 = a0
  let d0 = a0
  let d1 = a0
  const end = codes + 32 * steps
  for (; codes < end; codes += 32, x += 16) {
    const q0 = v128.load(codes)
    const q1 = v128.load(codes, 16)
    let xt = v128.load32_splat(x)
    a0 = i32x4.add(a0, dot16(xt, q0))
    a1 = i32x4.add(a1, dot16(xt, q1))
    xt = v128.load32_splat(x, 4)
    b0 = i32x4.add(b0, dot16(xt, q0))
    b1 = i32x4.add(b1, dot16(xt, q1))
    xt = v128.load32_splat(x, 8)
    c0 = i32x4.add(c0, dot16(xt, q0))
    c1 = i32x4.add(c1, dot16(xt, q1))
    xt = v128.load32_splat(x, 12)
    d0 = i32x4.add(d0, dot16(xt, q0))
    d1 = i32x4.add(d1, dot16(xt, q1))
  }
  const rest: usize = residual == 0 ? 0 : stride
  storeScaled(a0, a1, v128.load32_splat(x), scales, y, bias, residual)
  storeScaled(b0, b1, v128.load32_splat(x, 4), scales, y + stride, bias, residual + rest)
  storeScaled(c0, c1, v128.load32_splat(x, 8), scales, y + 2 * stride, bias, residual + 2 * rest)
  storeScaled(d0, d1, v128.load32_splat(x, 12), scales, y + 3 * stride, bias, residual + 3 * rest)
}

/** Stores one token's sums, times its scale and those of 8 rows. */
@inline
export function storeScaled(
  sums0: v128,
  sums1: v128,
  scale: v128,
  scales: usize,
  y: usize,
  bias: usize,
  residual: usize,
): void {
  const y0 = f32x4.mul(f32x4.convert_i32x4_s(sums0), f32x4.mul(v128.load(scales), scale))
  const y1 = f32x4.mul(f32x4.convert_i32x4_s(sums1), f32x4.mul(v128.load(scales, 16), scale))
  storeToken(y0, y1, y, bias, residual)
}
