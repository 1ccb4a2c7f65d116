import { madd } from '@tessera-llm/wasm/assembly/lib'
import { addAndStore } from './store'

// The f32 product with a panel: 8 weight rows stored column by column, f32 [K][8], so that a column is two vectors, an
// activation one splat, and no sum crosses lanes. The 4 × 8 tile holds 8 accumulators, the most that every V8 keeps in registers.
// Tile and row are exported by each module, so that they stay functions of their own: engines allocate registers for one function
// at a time. Their sums go to memory at `out`, 128 bytes.

/** Bytes before a panel that hold the sums of a tile. */
export const SUMS_BYTES: usize = 128

/**
 * y[t, 0 … rows) = x[t, :] · panelᵀ for `tokens` tokens. `x` and `y` point at the first token, strides in bytes; `bias` and
 * `residual` (0 for none) point at the panel's first row. The 128 bytes before the panel are scratch.
 */
export function panelProduct(x: usize, strideX: usize, tokens: u32, panel: usize, columns: u32, y: usize, strideY: usize, rows: u32, bias: usize, residual: usize): void {
  const out = panel - SUMS_BYTES
  let t: u32 = 0
  for (; t + 4 <= tokens; t += 4) {
    panelTile(x + t * strideX, strideX, panel, columns, out)
    for (let i: usize = 0; i < 4; i++) storeToken(out + (i << 5), y, t + <u32>i, strideY, rows, bias, residual)
  }
  for (; t < tokens; t++) {
    panelRow(x + t * strideX, panel, columns, out)
    storeToken(out, y, t, strideY, rows, bias, residual)
  }
}

function storeToken(sums: usize, y: usize, token: u32, strideY: usize, rows: u32, bias: usize, residual: usize): void {
  addAndStore(y + token * strideY, v128.load(sums), v128.load(sums, 16), rows, bias, residual == 0 ? 0 : residual + token * strideY)
}

/** out[4][8] = four tokens times the panel. */
export function panelTile(x: usize, stride: usize, panel: usize, columns: u32, out: usize): void {
  const last = panel + (<usize>columns << 5)
  const x1 = x + stride, x2 = x1 + stride, x3 = x2 + stride
  let a0 = f32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0
  let k: usize = 0
  for (let p = panel; p < last; p += 32, k += 4) {
    const w0 = v128.load(p), w1 = v128.load(p, 16)
    let v = v128.load32_splat(x + k)
    a0 = madd(v, w0, a0)
    a1 = madd(v, w1, a1)
    v = v128.load32_splat(x1 + k)
    b0 = madd(v, w0, b0)
    b1 = madd(v, w1, b1)
    v = v128.load32_splat(x2 + k)
    c0 = madd(v, w0, c0)
    c1 = madd(v, w1, c1)
    v = v128.load32_splat(x3 + k)
    d0 = madd(v, w0, d0)
    d1 = madd(v, w1, d1)
  }
  v128.store(out, a0)
  v128.store(out, a1, 16)
  v128.store(out, b0, 32)
  v128.store(out, b1, 48)
  v128.store(out, c0, 64)
  v128.store(out, c1, 80)
  v128.store(out, d0, 96)
  v128.store(out, d1, 112)
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
