import { madd } from '@tessera-llm/wasm/assembly/lib'
import { storeTile } from './store'

// The f32 product with a panel: 8 weight rows stored column by column, f32 [K][8], so that a column is two vectors, an
// activation one splat, and no sum crosses lanes. The 4 × 8 tile holds 8 accumulators, the most that every V8 keeps in registers.
// Tile and row are exported by each module, so that they stay functions of their own: engines allocate registers for one function
// at a time.

/** Bytes before a panel that hold the sums of a tile. */
export const SUMS_BYTES: usize = 128

/**
 * y[t, 0 … rows) = x[t, :] · panelᵀ for `tokens` tokens, laid out in quads f32 [K][4] at `quads` (see `layQuad`). `y` points at the
 * first token, its stride in bytes; `bias` and `residual` (0 for none) point at the panel's first row. The 128 bytes before the
 * panel are scratch.
 */
export function panelProduct(quads: usize, tokens: u32, panel: usize, columns: u32, y: usize, strideY: usize, rows: u32, bias: usize, residual: usize): void {
  const out = panel - SUMS_BYTES
  for (let t: u32 = 0; t < tokens; t += 4, quads += <usize>columns << 4) {
    productTile(quads, min<u32>(4, tokens - t), panel, columns, out, y + t * strideY, strideY, rows, bias, residual == 0 ? 0 : residual + t * strideY)
  }
}

/** One tile of a product: a whole one goes where it belongs, one at an edge by way of `out`. Bias and residual as in `storeTile`. */
export function productTile(quad: usize, tokens: u32, panel: usize, columns: u32, out: usize, y: usize, strideY: usize, rows: u32, bias: usize, residual: usize): void {
  if (tokens >= 4 && rows >= 8) panelTile(quad, panel, columns, y, strideY, bias, residual)
  else {
    panelTile(quad, panel, columns, out, 32, 0, 0)
    storeTile(out, tokens, rows, y, strideY, bias, residual)
  }
}

/** y[4][8] = four tokens, f32 [K][4], times the panel, f32 [K][8], rows `stride` bytes apart; bias [8] and residual, rows as far apart, are added (0 for none). */
export function panelTile(x: usize, panel: usize, columns: u32, y: usize, stride: usize, bias: usize, residual: usize): void {
  const last = panel + (<usize>columns << 5)
  let a0 = f32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0
  for (; panel < last; panel += 32, x += 16) {
    const w0 = v128.load(panel), w1 = v128.load(panel, 16)
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

/** Adds bias and residual of 8 rows, 0 for none, to the results of one token, and stores them. */
// @ts-ignore: decorator
@inline
export function storeToken(y0: v128, y1: v128, y: usize, bias: usize, residual: usize): void {
  if (bias != 0) y0 = f32x4.add(y0, v128.load(bias)), y1 = f32x4.add(y1, v128.load(bias, 16))
  if (residual != 0) y0 = f32x4.add(y0, v128.load(residual)), y1 = f32x4.add(y1, v128.load(residual, 16))
  v128.store(y, y0), v128.store(y, y1, 16)
}

/** f32 [K][4] from up to four rows of x; missing tokens are zero. */
export function layQuad(x: usize, stride: usize, tokens: u32, columns: u32, to: usize): void {
  let k: u32 = 0
  if (tokens >= 4) {
    const x1 = x + stride, x2 = x1 + stride, x3 = x2 + stride
    for (; k + 4 <= columns; k += 4) {
      const at: usize = <usize>k << 2, target = to + (<usize>k << 4)
      const a = v128.load(x + at), b = v128.load(x1 + at), c = v128.load(x2 + at), d = v128.load(x3 + at)
      const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5), ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
      const cd0 = v128.shuffle<i32>(c, d, 0, 4, 1, 5), cd1 = v128.shuffle<i32>(c, d, 2, 6, 3, 7)
      v128.store(target, v128.shuffle<i64>(ab0, cd0, 0, 2))
      v128.store(target, v128.shuffle<i64>(ab0, cd0, 1, 3), 16)
      v128.store(target, v128.shuffle<i64>(ab1, cd1, 0, 2), 32)
      v128.store(target, v128.shuffle<i64>(ab1, cd1, 1, 3), 48)
    }
  }
  for (; k < columns; k++) {
    for (let t: u32 = 0; t < 4; t++) store<f32>(to + (<usize>k << 4) + (t << 2), t < tokens ? load<f32>(x + t * stride + (<usize>k << 2)) : 0)
  }
}

/** out[8] = one token times the panel, four columns at a time, for as many independent sums as the tile has. */
export function panelRow(x: usize, panel: usize, columns: u32, out: usize): void {
  let a0 = f32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0
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
