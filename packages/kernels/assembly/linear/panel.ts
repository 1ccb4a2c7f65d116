import { madd } from '@tessera-llm/wasm/assembly/lib'
import { firstToken, sixesOf } from './lay-tokens'
import { storeTile } from './store'

// f32 product with a panel: 8 weight rows transposed to f32 [K][8]. A column is two vectors, an activation is one
// splat, and no sum crosses lanes. Tokens are packed as in lay-tokens.ts. The 6 × 8 tile has 12 accumulators; with two
// weight vectors and a splat they fill all registers that V8 uses on x64. The 4 × 8 tile has 8 and reaches four fifths
// of the speed. Each module exports the tiles and `panelRow` so that they stay separate functions: engines allocate
// registers per function.

/** Bytes before a panel that hold a tile's sums. */
export const SUMS_BYTES: usize = 192

/**
 * y[t, 0 … rows) = x[t, :] · panelᵀ for tiles `first` … `last` − 1 of the `tokens` packed at `laid`. `y` is the address
 * of token 0, `strideY` its row stride in bytes. `bias` and `residual` (0 for none; token 0) are addresses of the
 * panel's first row. The bytes before the panel are scratch.
 */
export function panelProduct(
  laid: usize,
  tokens: u32,
  first: u32,
  last: u32,
  panel: usize,
  columns: u32,
  y: usize,
  strideY: usize,
  rows: u32,
  bias: usize,
  residual: usize,
): void {
  const sixes = sixesOf(tokens)
  for (let tile = first; tile < last; tile++) {
    const token = firstToken(tile, sixes)
    productTile(
      tile < sixes,
      laid + ((<usize>token * columns) << 2),
      tokens - token,
      panel,
      columns,
      panel - SUMS_BYTES,
      y + token * strideY,
      strideY,
      rows,
      bias,
      residual == 0 ? 0 : residual + token * strideY,
    )
  }
}

/**
 * One tile, with `tokens` tokens and `rows` rows left. A whole tile is written in place, a tile at an edge through
 * `out`. Bias and residual as in `storeTile`.
 */
export function productTile(
  isSix: bool,
  laid: usize,
  tokens: u32,
  panel: usize,
  columns: u32,
  out: usize,
  y: usize,
  strideY: usize,
  rows: u32,
  bias: usize,
  residual: usize,
): void {
  const height: u32 = isSix ? 6 : 4
  const isWhole = tokens >= height && rows >= 8 && (!isSix || (bias | residual) == 0)
  if (!isSix)
    panelTile(
      laid,
      panel,
      columns,
      isWhole ? y : out,
      isWhole ? strideY : 32,
      isWhole ? bias : 0,
      isWhole ? residual : 0,
    )
  else panelTile6(laid, panel, columns, isWhole ? y : out, isWhole ? strideY : 32)
  if (!isWhole) storeTile(out, min(height, tokens), min<u32>(8, rows), y, strideY, bias, residual)
}

/**
 * y[6][8] = six tokens, f32 [K][6], times the panel, f32 [K][8]; rows of y are `stride` bytes apart. Bias and residual
 * are not added here: with more than stores behind the loop, V8 spills some accumulators.
 */
export function panelTile6(x: usize, panel: usize, columns: u32, y: usize, stride: usize): void {
  const last = panel + ((<usize>columns) << 5)
  let a0 = f32x4.splat(0)
  let a1 = a0
  let b0 = a0
  let b1 = a0
  let c0 = a0
  let c1 = a0
  let d0 = a0
  let d1 = a0
  let e0 = a0
  let e1 = a0
  let f0 = a0
  let f1 = a0
  for (; panel < last; panel += 32, x += 24) {
    const w0 = v128.load(panel)
    const w1 = v128.load(panel, 16)
    let v = v128.load32_splat(x)
    a0 = madd(v, w0, a0)
    a1 = madd(v, w1, a1)
    v = v128.load32_splat(x, 4)
    b0 = madd(v, w0, b0)
    b1 = madd(v, w1, b1)
    v = v128.load32_splat(x, 8)
    c0 = madd(v, w0, c0)
    c1 = madd(v, w1, c1)
    v = v128.load32_splat(x, 12)
    d0 = madd(v, w0, d0)
    d1 = madd(v, w1, d1)
    v = v128.load32_splat(x, 16)
    e0 = madd(v, w0, e0)
    e1 = madd(v, w1, e1)
    v = v128.load32_splat(x, 20)
    f0 = madd(v, w0, f0)
    f1 = madd(v, w1, f1)
  }
  v128.store(y, a0)
  v128.store(y, a1, 16)
  y += stride
  v128.store(y, b0)
  v128.store(y, b1, 16)
  y += stride
  v128.store(y, c0)
  v128.store(y, c1, 16)
  y += stride
  v128.store(y, d0)
  v128.store(y, d1, 16)
  y += stride
  v128.store(y, e0)
  v128.store(y, e1, 16)
  y += stride
  v128.store(y, f0)
  v128.store(y, f1, 16)
}

/**
 * y[4][8] = four tokens, f32 [K][4], times the panel, f32 [K][8]. Adds bias [8] and residual (0 for none); rows of y
 * and residual are `stride` bytes apart.
 */
export function panelTile(
  x: usize,
  panel: usize,
  columns: u32,
  y: usize,
  stride: usize,
  bias: usize,
  residual: usize,
): void {
  const last = panel + ((<usize>columns) << 5)
  let a0 = f32x4.splat(0)
  let a1 = a0
  let b0 = a0
  let b1 = a0
  let c0 = a0
  let c1 = a0
  let d0 = a0
  let d1 = a0
  for (; panel < last; panel += 32, x += 16) {
    const w0 = v128.load(panel)
    const w1 = v128.load(panel, 16)
    let v = v128.load32_splat(x)
    a0 = madd(v, w0, a0)
    a1 = madd(v, w1, a1)
    v = v128.load32_splat(x, 4)
    b0 = madd(v, w0, b0)
    b1 = madd(v, w1, b1)
    v = v128.load32_splat(x, 8)
    c0 = madd(v, w0, c0)
    c1 = madd(v, w1, c1)
    v = v128.load32_splat(x, 12)
    d0 = madd(v, w0, d0)
    d1 = madd(v, w1, d1)
  }
  const rest: usize = residual == 0 ? 0 : stride
  storeToken(a0, a1, y, bias, residual)
  storeToken(b0, b1, y + stride, bias, residual + rest)
  storeToken(c0, c1, y + 2 * stride, bias, residual + 2 * rest)
  storeToken(d0, d1, y + 3 * stride, bias, residual + 3 * rest)
}

/** Adds bias and residual (0 for none) to 8 results of one token and stores them. */
@inline
export function storeToken(y0: v128, y1: v128, y: usize, bias: usize, residual: usize): void {
  if (bias != 0) {
    y0 = f32x4.add(y0, v128.load(bias))
    y1 = f32x4.add(y1, v128.load(bias, 16))
  }
  if (residual != 0) {
    y0 = f32x4.add(y0, v128.load(residual))
    y1 = f32x4.add(y1, v128.load(residual, 16))
  }
  v128.store(y, y0)
  v128.store(y, y1, 16)
}

/** out[8] = one token times the panel. Four columns at a time give as many independent sums as the tile of four has. */
export function panelRow(x: usize, panel: usize, columns: u32, out: usize): void {
  let a0 = f32x4.splat(0)
  let a1 = a0
  let b0 = a0
  let b1 = a0
  let c0 = a0
  let c1 = a0
  let d0 = a0
  let d1 = a0
  let k: u32 = 0
  for (; k + 4 <= columns; k += 4, x += 16, panel += 128) {
    let v = v128.load32_splat(x)
    a0 = madd(v, v128.load(panel), a0)
    a1 = madd(v, v128.load(panel, 16), a1)
    v = v128.load32_splat(x, 4)
    b0 = madd(v, v128.load(panel, 32), b0)
    b1 = madd(v, v128.load(panel, 48), b1)
    v = v128.load32_splat(x, 8)
    c0 = madd(v, v128.load(panel, 64), c0)
    c1 = madd(v, v128.load(panel, 80), c1)
    v = v128.load32_splat(x, 12)
    d0 = madd(v, v128.load(panel, 96), d0)
    d1 = madd(v, v128.load(panel, 112), d1)
  }
  for (; k < columns; k++, x += 4, panel += 32) {
    const v = v128.load32_splat(x)
    a0 = madd(v, v128.load(panel), a0)
    a1 = madd(v, v128.load(panel, 16), a1)
  }
  v128.store(out, f32x4.add(f32x4.add(a0, b0), f32x4.add(c0, d0)))
  v128.store(out, f32x4.add(f32x4.add(a1, b1), f32x4.add(c1, d1)), 16)
}
