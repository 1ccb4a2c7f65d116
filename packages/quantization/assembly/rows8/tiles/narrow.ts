import { ZERO, ZERO_HIGH, ZERO_LOW } from '../activations'
import { dot8 } from '../lanes'
import { PANEL_BYTES } from '../panel'
import { clear, finish } from './finish'

// out[4][8] = four tokens times the panel of 8 rows, by products of 8 bits. 8 integer sums are what every V8 keeps in
// registers; the f32 sums wait in memory, because as variables they would all be moved about. Scales, zero and offset
// of a block are applied once for each set of sums. One function for each form, exported so that it stays one: engines
// allocate registers for one function at a time.

/**
 * First products of a sum. They are assigned, not added to a cleared sum; sums that may wrap start at −zero · Σ x.
 */
@inline
function begin(wraps: bool, x: v128, codes: v128, zero: usize): v128 {
  return wraps ? i16x8.add(v128.load32_splat(zero), dot8(x, codes)) : dot8(x, codes)
}

/** Adds vectors from … to − 1 of a block in i16: at most as many as fit, unless sums may wrap. */
@inline
function narrowSet(
  wraps: bool,
  zero: bool,
  offset: bool,
  part: i32,
  isFirst: bool,
  panel: usize,
  x: usize,
  from: i32,
  to: i32,
  out: usize,
): void {
  const first = panel + 32 * from
  const end = panel + 32 * to
  const zeros = x + 128 + 16 * (part == 2 ? ZERO : part == 0 ? ZERO_LOW : ZERO_HIGH)
  let r = x + 4 * from
  let q0 = v128.load(first)
  let q1 = v128.load(first, 16)
  let xt = v128.load32_splat(r)
  let a0 = begin(wraps, xt, q0, zeros)
  let a1 = begin(wraps, xt, q1, zeros)
  xt = v128.load32_splat(r, 32)
  let b0 = begin(wraps, xt, q0, zeros + 4)
  let b1 = begin(wraps, xt, q1, zeros + 4)
  xt = v128.load32_splat(r, 64)
  let c0 = begin(wraps, xt, q0, zeros + 8)
  let c1 = begin(wraps, xt, q1, zeros + 8)
  xt = v128.load32_splat(r, 96)
  let d0 = begin(wraps, xt, q0, zeros + 12)
  let d1 = begin(wraps, xt, q1, zeros + 12)
  for (let p = first + 32; p < end; p += 32) {
    r += 4
    q0 = v128.load(p)
    q1 = v128.load(p, 16)
    xt = v128.load32_splat(r)
    a0 = i16x8.add(a0, dot8(xt, q0))
    a1 = i16x8.add(a1, dot8(xt, q1))
    xt = v128.load32_splat(r, 32)
    b0 = i16x8.add(b0, dot8(xt, q0))
    b1 = i16x8.add(b1, dot8(xt, q1))
    xt = v128.load32_splat(r, 64)
    c0 = i16x8.add(c0, dot8(xt, q0))
    c1 = i16x8.add(c1, dot8(xt, q1))
    xt = v128.load32_splat(r, 96)
    d0 = i16x8.add(d0, dot8(xt, q0))
    d1 = i16x8.add(d1, dot8(xt, q1))
  }
  finish(
    4,
    i32x4.extadd_pairwise_i16x8_s(a0),
    i32x4.extadd_pairwise_i16x8_s(a1),
    zero,
    offset,
    part,
    isFirst,
    panel,
    x + 128,
    out,
  )
  finish(
    4,
    i32x4.extadd_pairwise_i16x8_s(b0),
    i32x4.extadd_pairwise_i16x8_s(b1),
    zero,
    offset,
    part,
    isFirst,
    panel,
    x + 132,
    out + 32,
  )
  finish(
    4,
    i32x4.extadd_pairwise_i16x8_s(c0),
    i32x4.extadd_pairwise_i16x8_s(c1),
    zero,
    offset,
    part,
    isFirst,
    panel,
    x + 136,
    out + 64,
  )
  finish(
    4,
    i32x4.extadd_pairwise_i16x8_s(d0),
    i32x4.extadd_pairwise_i16x8_s(d1),
    zero,
    offset,
    part,
    isFirst,
    panel,
    x + 140,
    out + 96,
  )
}

/** Tile by products of 8 bits, in `sets` sums per block. */
@inline
function narrowTile(
  sets: i32,
  halves: bool,
  zero: bool,
  offset: bool,
  panel: usize,
  x: usize,
  record: usize,
  blocks: i32,
  out: usize,
): void {
  clear(out, 4)
  for (const last = panel + <usize>blocks * PANEL_BYTES; panel < last; panel += PANEL_BYTES, x += record) {
    if (sets == 1) narrowSet(false, zero, offset, 2, true, panel, x, 0, 8, out)
    if (sets == 2) {
      narrowSet(false, zero, offset, halves ? 0 : 2, true, panel, x, 0, 4, out)
      narrowSet(false, zero, offset, halves ? 1 : 2, halves, panel, x, 4, 8, out)
    }
  }
}

@inline
function wrappedTile(halves: bool, panel: usize, x: usize, record: usize, blocks: i32, out: usize): void {
  clear(out, 4)
  for (const last = panel + <usize>blocks * PANEL_BYTES; panel < last; panel += PANEL_BYTES, x += record) {
    if (halves) {
      narrowSet(true, false, false, 0, true, panel, x, 0, 4, out)
      narrowSet(true, false, false, 1, true, panel, x, 4, 8, out)
    } else narrowSet(true, false, false, 2, true, panel, x, 0, 8, out)
  }
}

export function tileWrapped(panel: usize, x: usize, record: usize, blocks: i32, out: usize): void {
  wrappedTile(false, panel, x, record, blocks, out)
}
export function tileWrappedHalves(panel: usize, x: usize, record: usize, blocks: i32, out: usize): void {
  wrappedTile(true, panel, x, record, blocks, out)
}
export function tileNarrow1Zero(panel: usize, x: usize, record: usize, blocks: i32, out: usize): void {
  narrowTile(1, false, true, false, panel, x, record, blocks, out)
}
export function tileNarrow1Offset(panel: usize, x: usize, record: usize, blocks: i32, out: usize): void {
  narrowTile(1, false, false, true, panel, x, record, blocks, out)
}
export function tileNarrow2Offset(panel: usize, x: usize, record: usize, blocks: i32, out: usize): void {
  narrowTile(2, false, false, true, panel, x, record, blocks, out)
}
export function tileNarrow2HalvesZero(panel: usize, x: usize, record: usize, blocks: i32, out: usize): void {
  narrowTile(2, true, true, false, panel, x, record, blocks, out)
}
export function tileNarrow2HalvesOffset(panel: usize, x: usize, record: usize, blocks: i32, out: usize): void {
  narrowTile(2, true, false, true, panel, x, record, blocks, out)
}
