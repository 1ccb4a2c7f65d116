import { madd } from '@tessera-llm/wasm/assembly/lib'
import { firstHalves, highHalves, lastHalves, lowHalves, wordMask } from './raw-halves'
import { joinTwo, LINE, sumTwo } from './score-tiles'

// Scores of three or four query rows with f16 keys, eight channels of all keys at a time. The queries' channels stay in
// registers and the sums in memory, so that no register is spilled: loads and stores have ports of their own, while
// widening shares those of the products.

/** Adds, or stores first, the products of eight channels of three or four rows with keys; sums[key][row] has four lanes. */
@inline
function addColumns(rows: u32, isFirst: bool, q: usize, k: usize, stride: usize, sums: usize, end: usize): void {
  const mask = wordMask()
  const step = (<usize>rows) << 4
  const next = q + step
  const a0 = v128.load(q)
  const b0 = v128.load(q, 16)
  const c0 = v128.load(q, 32)
  const d0 = rows == 4 ? v128.load(q, 48) : a0
  const a1 = v128.load(next)
  const b1 = v128.load(next, 16)
  const c1 = v128.load(next, 32)
  const d1 = rows == 4 ? v128.load(next, 48) : a1
  for (; sums < end; sums += step, k += stride) {
    const halves = v128.load(k)
    const high = highHalves(halves, mask)
    const low = lowHalves(halves)
    const y = firstHalves(low, high)
    const z = lastHalves(low, high)
    v128.store(sums, madd(z, a1, isFirst ? f32x4.mul(y, a0) : madd(y, a0, v128.load(sums))))
    v128.store(sums, madd(z, b1, isFirst ? f32x4.mul(y, b0) : madd(y, b0, v128.load(sums, 16))), 16)
    v128.store(sums, madd(z, c1, isFirst ? f32x4.mul(y, c0) : madd(y, c0, v128.load(sums, 32))), 32)
    if (rows == 4) v128.store(sums, madd(z, d1, isFirst ? f32x4.mul(y, d0) : madd(y, d0, v128.load(sums, 48))), 48)
  }
}

/** Scores of one row with four keys, whose sums are `step` bytes apart. */
@inline
function scoresOf(sums: usize, step: usize, factors: v128): v128 {
  const two = sums + 2 * step
  return f32x4.mul(
    factors,
    joinTwo(sumTwo(v128.load(sums), v128.load(sums + step)), sumTwo(v128.load(two), v128.load(two + step))),
  )
}

@inline
function columnScores(
  rows: u32,
  q: usize,
  k: usize,
  stride: usize,
  count: i32,
  width: u32,
  factor: f32,
  s: usize,
  sums: usize,
): void {
  const step = (<usize>rows) << 4
  const end = sums + <usize>count * step
  const last = q + <usize>(width >> 2) * step
  addColumns(rows, true, q, k, stride, sums, end)
  while ((q += 2 * step) < last) {
    k += 16
    addColumns(rows, false, q, k, stride, sums, end)
  }
  const factors = f32x4.splat(factor)
  for (; sums < end; sums += 4 * step, s += 16) {
    v128.store(s, scoresOf(sums, step, factors))
    v128.store(s, scoresOf(sums + 16, step, factors), LINE)
    v128.store(s, scoresOf(sums + 32, step, factors), 2 * LINE)
    if (rows == 4) v128.store(s, scoresOf(sums + 48, step, factors), 3 * LINE)
  }
}

/**
 * Scores of three rows with `count` keys; those behind them, up to a multiple of four, become anything. Queries are laid
 * as by `layQuery`, `width` is a multiple of 8, and `sums` has room for four f32 for each row and key, up to that
 * multiple.
 */
export function tripleScoresF16(
  q: usize,
  k: usize,
  stride: usize,
  count: i32,
  width: u32,
  factor: f32,
  s: usize,
  sums: usize,
): void {
  columnScores(3, q, k, stride, count, width, factor, s, sums)
}

/** `tripleScoresF16` for four rows. */
export function quadScoresF16(
  q: usize,
  k: usize,
  stride: usize,
  count: i32,
  width: u32,
  factor: f32,
  s: usize,
  sums: usize,
): void {
  columnScores(4, q, k, stride, count, width, factor, s, sums)
}
