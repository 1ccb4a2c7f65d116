/**
 * Adds bias and residual (addresses of the first row, 0 for none) to the results at `sums`, [tokens][8], and stores up
 * to 8 rows per token at `y`. Rows of y and residual are `stride` bytes apart.
 */
export function storeTile(
  sums: usize,
  tokens: u32,
  rows: u32,
  y: usize,
  stride: usize,
  bias: usize,
  residual: usize,
): void {
  for (const end = sums + ((<usize>tokens) << 5); sums < end; sums += 32, y += stride) {
    let low = v128.load(sums)
    let high = v128.load(sums, 16)
    if (rows < 8) {
      addAndStore(y, low, high, rows, bias, residual)
    } else {
      if (bias != 0) {
        low = f32x4.add(low, v128.load(bias))
        high = f32x4.add(high, v128.load(bias, 16))
      }
      if (residual != 0) {
        low = f32x4.add(low, v128.load(residual))
        high = f32x4.add(high, v128.load(residual, 16))
      }
      v128.store(y, low)
      v128.store(y, high, 16)
    }
    if (residual != 0) residual += stride
  }
}

/** Adds bias and residual (addresses, 0 for none) to up to 8 results and stores them at `y`. */
function addAndStore(y: usize, low: v128, high: v128, rows: u32, bias: usize, residual: usize): void {
  if (bias != 0) {
    low = f32x4.add(low, load4(bias, rows))
    high = f32x4.add(high, load4(bias + 16, rows - min<u32>(rows, 4)))
  }
  if (residual != 0) {
    low = f32x4.add(low, load4(residual, rows))
    high = f32x4.add(high, load4(residual + 16, rows - min<u32>(rows, 4)))
  }
  if (rows >= 8) {
    v128.store(y, low)
    v128.store(y, high, 16)
    return
  }
  if (rows >= 4) {
    v128.store(y, low)
    store3(y + 16, high, rows - 4)
  } else store3(y, low, rows)
}

/** Loads the first `rows` ≤ 4 values at `from`, zeros behind them, without reading past them. */
function load4(from: usize, rows: u32): v128 {
  if (rows >= 4) return v128.load(from)
  let v = f32x4.splat(0)
  if (rows > 0) v = f32x4.replace_lane(v, 0, load<f32>(from))
  if (rows > 1) v = f32x4.replace_lane(v, 1, load<f32>(from, 4))
  if (rows > 2) v = f32x4.replace_lane(v, 2, load<f32>(from, 8))
  return v
}

function store3(y: usize, v: v128, rows: u32): void {
  if (rows > 0) store<f32>(y, f32x4.extract_lane(v, 0))
  if (rows > 1) store<f32>(y, f32x4.extract_lane(v, 1), 4)
  if (rows > 2) store<f32>(y, f32x4.extract_lane(v, 2), 8)
}
