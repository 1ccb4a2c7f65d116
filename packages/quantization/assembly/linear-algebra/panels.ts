// The f64 product of packed panels: a in panels of 4 rows, f64 [K][4], b in panels of 4 columns, f64 [K][4]. A 4 × 4
// tile is 8 accumulators, the most that every V8 keeps in registers. The tile is exported so that it stays a function
// of its own: engines allocate registers for one function at a time.

@inline
function madd(a: v128, b: v128, c: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return f64x2.relaxed_madd(a, b, c)
  return f64x2.add(f64x2.mul(a, b), c)
}

/**
 * Columns of a panel that are multiplied at a time: one of a and one of b, 8 KiB each, stay in the first-level cache.
 */
const DEPTH: u32 = 256

/** c = a · b: `rows` panels of a, `columns` panels of b, each `k` deep; c f64 [columns][rows][4][4], overwritten. */
export function multiplyPanels(a: usize, b: usize, c: usize, rows: u32, columns: u32, k: u32): void {
  const panelBytes = (<usize>k) << 5
  memory.fill(c, 0, (<usize>rows * columns) << 7)
  for (let from: u32 = 0; from < k; from += DEPTH) {
    const depth = min(DEPTH, k - from)
    const skip = (<usize>from) << 5
    let at = c
    for (let column: u32 = 0; column < columns; column++) {
      const panel = b + column * panelBytes + skip
      for (let row: u32 = 0; row < rows; row++, at += 128) tile(a + row * panelBytes + skip, panel, depth, at)
    }
  }
}

/** c[4][4] += one panel of a times one of b. */
export function tile(a: usize, b: usize, k: u32, c: usize): void {
  const last = b + ((<usize>k) << 5)
  let a0 = v128.load(c)
  let a1 = v128.load(c, 16)
  let b0 = v128.load(c, 32)
  let b1 = v128.load(c, 48)
  let c0 = v128.load(c, 64)
  let c1 = v128.load(c, 80)
  let d0 = v128.load(c, 96)
  let d1 = v128.load(c, 112)
  for (; b < last; b += 32, a += 32) {
    const w0 = v128.load(b)
    const w1 = v128.load(b, 16)
    let v = v128.load64_splat(a)
    a0 = madd(v, w0, a0)
    a1 = madd(v, w1, a1)
    v = v128.load64_splat(a, 8)
    b0 = madd(v, w0, b0)
    b1 = madd(v, w1, b1)
    v = v128.load64_splat(a, 16)
    c0 = madd(v, w0, c0)
    c1 = madd(v, w1, c1)
    v = v128.load64_splat(a, 24)
    d0 = madd(v, w0, d0)
    d1 = madd(v, w1, d1)
  }
  v128.store(c, a0)
  v128.store(c, a1, 16)
  v128.store(c, b0, 32)
  v128.store(c, b1, 48)
  v128.store(c, c0, 64)
  v128.store(c, c1, 80)
  v128.store(c, d0, 96)
  v128.store(c, d1, 112)
}
