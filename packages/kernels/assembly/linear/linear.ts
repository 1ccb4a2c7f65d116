import { argument, madd, shareBegin, shareEnd, sumLanes } from '@tessera-llm/wasm/assembly/lib'
import { BF16, elementBytes, F16, F32, loadElement, loadElement4 } from '../element'
import { layPanel } from './lay-panel'
import { layQuad, panelTile, SUMS_BYTES } from './panel'
import { storeTile } from './store'

// y = x · weightᵀ + bias + residual for dense weights [N, K]. Words: x, weight, bias, residual, y, tokens, N, K, scratch,
// scratch bytes per thread, quads of tokens (of all threads). Groups of 8 rows are shared out. One token reads the rows where they
// lie; more of them pay for laying 8 rows out as a panel, and the tokens as quads in a stage before.

/** First stage for several tokens: f32 [K][4] of each four tokens; quads are shared out. */
export function layTokens(args: usize, thread: u32, threads: u32): void {
  const tokens = argument(args, 5), columns = argument(args, 7), quads = (tokens + 3) >> 2
  const stride: usize = <usize>columns << 2
  const end = shareEnd(quads, thread, threads)
  for (let quad = shareBegin(quads, thread, threads); quad < end; quad++) {
    layQuad(argument(args, 0) + (quad << 2) * stride, stride, tokens - (quad << 2), columns, argument(args, 10) + (<usize>quad * columns << 4))
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

// @ts-ignore: decorator
@inline
function product(kind: i32, args: usize, thread: u32, threads: u32): void {
  const x: usize = argument(args, 0), weight: usize = argument(args, 1), bias: usize = argument(args, 2), residual: usize = argument(args, 3), y: usize = argument(args, 4)
  const tokens = argument(args, 5), rows = argument(args, 6), columns = argument(args, 7)
  const strideY: usize = <usize>rows << 2, rowBytes: usize = columns * elementBytes(kind)
  const groups = (rows + 7) >> 3
  const end = shareEnd(groups, thread, threads)
  if (tokens == 1) {
    for (let group = shareBegin(groups, thread, threads); group < end; group++) {
      const row = group << 3, at: usize = <usize>row << 2
      rowsProduct(kind, x, weight + row * rowBytes, rowBytes, columns, y + at, min<u32>(8, rows - row), bias == 0 ? 0 : bias + at, residual == 0 ? 0 : residual + at)
    }
    return
  }
  // As many panels at a time as the scratch memory holds, and the L2 cache: all tokens pass by each of them once, four at a time.
  const out: usize = argument(args, 8) + thread * argument(args, 9), panels = out + SUMS_BYTES, panelBytes: usize = <usize>columns << 5
  const atOnce = max<u32>(1, <u32>((argument(args, 9) - SUMS_BYTES) / max<usize>(panelBytes, 1)))
  for (let first = shareBegin(groups, thread, threads); first < end; first += atOnce) {
    const last = min(first + atOnce, end)
    for (let group = first, panel = panels; group < last; group++, panel += panelBytes) {
      layPanel(kind, weight + (group << 3) * rowBytes, rowBytes, columns, min<u32>(8, rows - (group << 3)), panel)
    }
    for (let token: u32 = 0; token < tokens; token += 4) {
      const quad: usize = argument(args, 10) + (<usize>token * columns << 2), line = token * strideY
      for (let group = first, panel = panels; group < last; group++, panel += panelBytes) {
        const at: usize = <usize>group << 5
        panelTile(quad, panel, columns, out)
        storeTile(out, min<u32>(4, tokens - token), min<u32>(8, rows - (group << 3)), y + line + at, strideY, bias == 0 ? 0 : bias + at, residual == 0 ? 0 : residual + line + at)
      }
    }
  }
}

/** One token times up to 8 rows where they lie, four rows at a time with two sums each. */
// @ts-ignore: decorator
@inline
function rowsProduct(kind: i32, x: usize, source: usize, rowBytes: usize, columns: u32, y: usize, rows: u32, bias: usize, residual: usize): void {
  const step = elementBytes(kind)
  for (let row: u32 = 0; row < rows; row += 4) {
    // Rows beyond the last repeat it; their sums are not stored.
    const last = rows - 1
    const r0 = source + row * rowBytes, r1 = source + min(row + 1, last) * rowBytes, r2 = source + min(row + 2, last) * rowBytes, r3 = source + min(row + 3, last) * rowBytes
    let a0 = f32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0
    let k: u32 = 0
    for (; k + 8 <= columns; k += 8) {
      const at = k * step
      const v0 = v128.load(x + (<usize>k << 2)), v1 = v128.load(x + (<usize>k << 2), 16)
      a0 = madd(v0, loadElement4(kind, r0 + at), a0)
      a1 = madd(v1, loadElement4(kind, r0 + at + 4 * step), a1)
      b0 = madd(v0, loadElement4(kind, r1 + at), b0)
      b1 = madd(v1, loadElement4(kind, r1 + at + 4 * step), b1)
      c0 = madd(v0, loadElement4(kind, r2 + at), c0)
      c1 = madd(v1, loadElement4(kind, r2 + at + 4 * step), c1)
      d0 = madd(v0, loadElement4(kind, r3 + at), d0)
      d1 = madd(v1, loadElement4(kind, r3 + at + 4 * step), d1)
    }
    let s0 = sumLanes(f32x4.add(a0, a1)), s1 = sumLanes(f32x4.add(b0, b1)), s2 = sumLanes(f32x4.add(c0, c1)), s3 = sumLanes(f32x4.add(d0, d1))
    for (; k < columns; k++) {
      const v = load<f32>(x + (<usize>k << 2)), at = k * step
      s0 += v * loadElement(kind, r0 + at)
      s1 += v * loadElement(kind, r1 + at)
      s2 += v * loadElement(kind, r2 + at)
      s3 += v * loadElement(kind, r3 + at)
    }
    storeSum(y, row, rows, s0, bias, residual)
    storeSum(y, row + 1, rows, s1, bias, residual)
    storeSum(y, row + 2, rows, s2, bias, residual)
    storeSum(y, row + 3, rows, s3, bias, residual)
  }
}

function storeSum(y: usize, row: u32, rows: u32, sum: f32, bias: usize, residual: usize): void {
  if (row >= rows) return
  const at: usize = <usize>row << 2
  if (bias != 0) sum += load<f32>(bias + at)
  if (residual != 0) sum += load<f32>(residual + at)
  store<f32>(y + at, sum)
}
