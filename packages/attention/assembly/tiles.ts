import { madd } from '@tessera-llm/wasm/assembly/lib'
import { addWeighted, load1, load4 } from './scores'

// Tiles of prefill and its gradients: four lines by eight columns, which is what 16 registers hold. Functions with an
// inner loop are exported so that they stay separate functions (see decode/score-tiles.ts).

/** Columns (keys) of a tile of scores. */
export const TILE: i32 = 64
/** Bytes between lines of a tile of scores. */
@inline
export const LINE: usize = 256

/**
 * Four lines of `out` = four rows (`stride` bytes apart, `depth` f32) times a panel (see `layPanel`) of `columns`
 * columns, a multiple of 8.
 */
export function productTile(rows: usize, stride: usize, depth: u32, panel: usize, columns: i32, out: usize): void {
  const r1 = rows + stride
  const r2 = r1 + stride
  const r3 = r2 + stride
  const width: usize = (<usize>depth) << 5
  const end = out + ((<usize>columns) << 2)
  let p = panel
  for (; out < end; out += 32) {
    const last = p + width
    let a0 = f32x4.splat(0)
    let a1 = a0
    let b0 = a0
    let b1 = a0
    let c0 = a0
    let c1 = a0
    let d0 = a0
    let d1 = a0
    for (let d: usize = 0; p < last; p += 32, d += 4) {
      const k0 = v128.load(p)
      const k1 = v128.load(p, 16)
      let x = v128.load32_splat(rows + d)
      a0 = madd(x, k0, a0)
      a1 = madd(x, k1, a1)
      x = v128.load32_splat(r1 + d)
      b0 = madd(x, k0, b0)
      b1 = madd(x, k1, b1)
      x = v128.load32_splat(r2 + d)
      c0 = madd(x, k0, c0)
      c1 = madd(x, k1, c1)
      x = v128.load32_splat(r3 + d)
      d0 = madd(x, k0, d0)
      d1 = madd(x, k1, d1)
    }
    v128.store(out, a0)
    v128.store(out, a1, 16)
    v128.store(out, b0, 256)
    v128.store(out, b1, 272)
    v128.store(out, c0, 512)
    v128.store(out, c1, 528)
    v128.store(out, d0, 768)
    v128.store(out, d1, 784)
  }
}

/**
 * Four lines of `out` (`outStride` bytes apart) += their weights (lines of a tile of scores) times `count` rows of
 * `width` f32 (`stride` bytes apart).
 */
export function addRows(
  weights: usize,
  rows: usize,
  stride: usize,
  count: i32,
  width: u32,
  out: usize,
  outStride: usize,
): void {
  const o1 = out + outStride
  const o2 = o1 + outStride
  const o3 = o2 + outStride
  const last = weights + ((<usize>count) << 2)
  let d: u32 = 0
  for (; d + 8 <= width; d += 8) {
    const at: usize = (<usize>d) << 2
    let a0 = v128.load(out + at)
    let a1 = v128.load(out + at, 16)
    let b0 = v128.load(o1 + at)
    let b1 = v128.load(o1 + at, 16)
    let c0 = v128.load(o2 + at)
    let c1 = v128.load(o2 + at, 16)
    let d0 = v128.load(o3 + at)
    let d1 = v128.load(o3 + at, 16)
    for (let from = rows + at, w = weights; w < last; w += 4, from += stride) {
      const v0 = v128.load(from)
      const v1 = v128.load(from, 16)
      let x = v128.load32_splat(w)
      a0 = madd(x, v0, a0)
      a1 = madd(x, v1, a1)
      x = v128.load32_splat(w, 256)
      b0 = madd(x, v0, b0)
      b1 = madd(x, v1, b1)
      x = v128.load32_splat(w, 512)
      c0 = madd(x, v0, c0)
      c1 = madd(x, v1, c1)
      x = v128.load32_splat(w, 768)
      d0 = madd(x, v0, d0)
      d1 = madd(x, v1, d1)
    }
    v128.store(out + at, a0)
    v128.store(out + at, a1, 16)
    v128.store(o1 + at, b0)
    v128.store(o1 + at, b1, 16)
    v128.store(o2 + at, c0)
    v128.store(o2 + at, c1, 16)
    v128.store(o3 + at, d0)
    v128.store(o3 + at, d1, 16)
  }
  if (d == width) return
  for (let line: usize = 0; line < 4; line++) {
    for (let i = 0; i < count; i++)
      addWeighted(
        out + line * outStride + ((<usize>d) << 2),
        load<f32>(weights + line * LINE + ((<usize>i) << 2)),
        rows + <usize>i * stride + ((<usize>d) << 2),
        width - d,
        2,
      )
  }
}

/**
 * `addRows` with weights from four columns of a tile of scores: line i holds the weights of row i. Duplicated because
 * load offsets must be constants, which an inlined parameter is not.
 */
export function addColumns(
  weights: usize,
  rows: usize,
  stride: usize,
  count: i32,
  width: u32,
  out: usize,
  outStride: usize,
): void {
  const o1 = out + outStride
  const o2 = o1 + outStride
  const o3 = o2 + outStride
  const last = weights + <usize>count * LINE
  let d: u32 = 0
  for (; d + 8 <= width; d += 8) {
    const at: usize = (<usize>d) << 2
    let a0 = v128.load(out + at)
    let a1 = v128.load(out + at, 16)
    let b0 = v128.load(o1 + at)
    let b1 = v128.load(o1 + at, 16)
    let c0 = v128.load(o2 + at)
    let c1 = v128.load(o2 + at, 16)
    let d0 = v128.load(o3 + at)
    let d1 = v128.load(o3 + at, 16)
    for (let from = rows + at, w = weights; w < last; w += LINE, from += stride) {
      const v0 = v128.load(from)
      const v1 = v128.load(from, 16)
      let x = v128.load32_splat(w)
      a0 = madd(x, v0, a0)
      a1 = madd(x, v1, a1)
      x = v128.load32_splat(w, 4)
      b0 = madd(x, v0, b0)
      b1 = madd(x, v1, b1)
      x = v128.load32_splat(w, 8)
      c0 = madd(x, v0, c0)
      c1 = madd(x, v1, c1)
      x = v128.load32_splat(w, 12)
      d0 = madd(x, v0, d0)
      d1 = madd(x, v1, d1)
    }
    v128.store(out + at, a0)
    v128.store(out + at, a1, 16)
    v128.store(o1 + at, b0)
    v128.store(o1 + at, b1, 16)
    v128.store(o2 + at, c0)
    v128.store(o2 + at, c1, 16)
    v128.store(o3 + at, d0)
    v128.store(o3 + at, d1, 16)
  }
  if (d == width) return
  for (let line: usize = 0; line < 4; line++) {
    for (let i = 0; i < count; i++)
      addWeighted(
        out + line * outStride + ((<usize>d) << 2),
        load<f32>(weights + <usize>i * LINE + (line << 2)),
        rows + <usize>i * stride + ((<usize>d) << 2),
        width - d,
        2,
      )
  }
}

/**
 * One line of `out` += weights, `weightStep` bytes apart, times rows. A weight of zero skips its row, which may hold
 * NaN if it is hidden.
 */
export function addRowsCarefully(
  weights: usize,
  weightStep: usize,
  rows: usize,
  stride: usize,
  count: i32,
  width: u32,
  out: usize,
): void {
  for (let i = 0; i < count; i++, weights += weightStep, rows += stride) {
    const weight = load<f32>(weights)
    if (weight != 0) addWeighted(out, weight, rows, width, 2)
  }
}

/**
 * Packs `count` rows (f32 by shift 2, f16 by shift 1) as panels f32 [count / 8][depth][8]: eight rows interleaved by
 * channel; missing rows of the last eight are zero.
 */
export function layPanel(shift: u32, rows: usize, stride: usize, count: i32, depth: u32, panel: usize): void {
  if (shift == 2) layPanelOf(2, rows, stride, count, depth, panel)
  else layPanelOf(1, rows, stride, count, depth, panel)
}

@inline
function layPanelOf(shift: u32, rows: usize, stride: usize, count: i32, depth: u32, panel: usize): void {
  for (let row = 0; row < count; row += 4) {
    const to = panel + ((<usize>(row & ~7) * depth + (row & 4)) << 2)
    const r0 = rows + <usize>row * stride
    let d: u32 = 0
    if (count - row >= 4) {
      const r1 = r0 + stride
      const r2 = r1 + stride
      const r3 = r2 + stride
      for (; d + 4 <= depth; d += 4) {
        const a = load4(r0, d, shift)
        const b = load4(r1, d, shift)
        const c = load4(r2, d, shift)
        const e = load4(r3, d, shift)
        const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5)
        const ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
        const ce0 = v128.shuffle<i32>(c, e, 0, 4, 1, 5)
        const ce1 = v128.shuffle<i32>(c, e, 2, 6, 3, 7)
        const at = to + ((<usize>d) << 5)
        v128.store(at, v128.shuffle<i64>(ab0, ce0, 0, 2))
        v128.store(at, v128.shuffle<i64>(ab0, ce0, 1, 3), 32)
        v128.store(at, v128.shuffle<i64>(ab1, ce1, 0, 2), 64)
        v128.store(at, v128.shuffle<i64>(ab1, ce1, 1, 3), 96)
      }
    }
    for (; d < depth; d++) {
      for (let lane = 0; lane < 4; lane++)
        store<f32>(
          to + ((<usize>d) << 5) + (lane << 2),
          row + lane < count ? load1(r0 + <usize>lane * stride, d, shift) : 0,
        )
    }
  }
  // The half of the last eight that has no rows at all.
  if (((count + 3) & 4) != 0) {
    const to = panel + ((<usize>((count - 1) & ~7) * depth + 4) << 2)
    for (let d: u32 = 0; d < depth; d++) v128.store(to + ((<usize>d) << 5), f32x4.splat(0))
  }
}

/** f32 [count][width], `toStride` bytes apart: `factor` times the rows. */
export function layRows(
  shift: u32,
  factor: f32,
  rows: usize,
  stride: usize,
  count: i32,
  width: u32,
  to: usize,
  toStride: usize,
): void {
  const f = f32x4.splat(factor)
  for (let row = 0; row < count; row++, rows += stride, to += toStride) {
    let d: u32 = 0
    if (shift == 2) for (; d + 4 <= width; d += 4) v128.store(to + ((<usize>d) << 2), f32x4.mul(f, load4(rows, d, 2)))
    else for (; d + 4 <= width; d += 4) v128.store(to + ((<usize>d) << 2), f32x4.mul(f, load4(rows, d, 1)))
    for (; d < width; d++) store<f32>(to + ((<usize>d) << 2), factor * load1(rows, d, shift))
  }
}

/** Whether all of `count` rows of `width` f32 are finite. */
export function areFinite(rows: usize, stride: usize, count: i32, width: u32): bool {
  const zero = f32x4.splat(0)
  let sum = zero
  let rest: f32 = 0
  for (let row = 0; row < count; row++, rows += stride) {
    let d: u32 = 0
    // 0 · x is 0 unless x is infinite or not a number.
    for (; d + 4 <= width; d += 4) sum = madd(zero, v128.load(rows + ((<usize>d) << 2)), sum)
    for (; d < width; d++) rest += 0 * load<f32>(rows + ((<usize>d) << 2))
  }
  return rest == 0 && v128.any_true(f32x4.ne(sum, zero)) == 0
}
