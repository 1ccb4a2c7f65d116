import { madd } from '@tessera-llm/wasm/assembly/lib'
import { SCALE, SUM, SUM_HIGH, SUM_LOW, ZERO, ZERO_HIGH, ZERO_LOW } from './activations'
import { OFFSETS, PANEL_BYTES, SCALES } from './panel'
import { dot16, dot8 } from './token-sums'

// out[4][8] = four tokens times the panel of 8 rows. 8 integer sums are what every V8 keeps in registers; the f32 sums
// wait in memory: as variables they would all be moved about. One function for each form, exported so that it stays
// one: engines allocate registers for one function at a time. What a block's scales, zero and offset do is done once
// for each set of sums.

@inline
function clear(out: usize): void {
  const none = f32x4.splat(0)
  v128.store(out, none)
  v128.store(out, none, 16)
  v128.store(out, none, 32)
  v128.store(out, none, 48)
  v128.store(out, none, 64)
  v128.store(out, none, 80)
  v128.store(out, none, 96)
  v128.store(out, none, 112)
}

/**
 * Adds one token's sums of columns that share a scale; `f` is the token's first field, `part` which half they belong to
 * (0 or 1; 2: both).
 */
@inline
function finish(
  s0: v128,
  s1: v128,
  zero: bool,
  offset: bool,
  part: i32,
  first: bool,
  panel: usize,
  f: usize,
  out: usize,
): void {
  const set: usize = part == 1 ? 32 : 0
  if (zero && first) {
    const z = v128.load32_splat(f + 16 * (part == 2 ? ZERO : part == 0 ? ZERO_LOW : ZERO_HIGH))
    s0 = i32x4.add(s0, z)
    s1 = i32x4.add(s1, z)
  }
  const s = v128.load32_splat(f, 16 * SCALE)
  let y0 = madd(f32x4.convert_i32x4_s(s0), f32x4.mul(v128.load(panel + set, SCALES), s), v128.load(out))
  let y1 = madd(f32x4.convert_i32x4_s(s1), f32x4.mul(v128.load(panel + set, SCALES + 16), s), v128.load(out, 16))
  if (offset && first) {
    const sum = v128.load32_splat(f + 16 * (part == 2 ? SUM : part == 0 ? SUM_LOW : SUM_HIGH))
    y0 = madd(v128.load(panel + set, OFFSETS), sum, y0)
    y1 = madd(v128.load(panel + set, OFFSETS + 16), sum, y1)
  }
  v128.store(out, y0)
  v128.store(out, y1, 16)
}

/**
 * The first products of a sum: nothing is cleared, nothing added, but for what the zero takes from sums that may wrap.
 */
@inline
function begin(wraps: bool, x: v128, codes: v128, zero: usize): v128 {
  return wraps ? i16x8.add(v128.load32_splat(zero), dot8(x, codes)) : dot8(x, codes)
}

/** Vectors from … to−1 of a block, in i16: no more of them than that holds, or sums that may wrap. */
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

/** Products of 8 bits, in `sets` sums a block. */
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
  clear(out)
  for (const last = panel + <usize>blocks * PANEL_BYTES; panel < last; panel += PANEL_BYTES, x += record) {
    if (sets == 1) narrowSet(false, zero, offset, 2, true, panel, x, 0, 8, out)
    if (sets == 2) {
      narrowSet(false, zero, offset, halves ? 0 : 2, true, panel, x, 0, 4, out)
      narrowSet(false, zero, offset, halves ? 1 : 2, halves, panel, x, 4, 8, out)
    }
  }
}

/** Steps from … to−1 of two columns of a block, codes of 16 bits at `codes`, zeros subtracted. */
@inline
function wideSet(offset: bool, part: i32, codes: usize, panel: usize, x: usize, from: i32, to: i32, out: usize): void {
  // The first step begins the sums, as above.
  const first = codes + 32 * from
  const end = codes + 32 * to
  let r = x + 4 * from
  let q0 = v128.load(first)
  let q1 = v128.load(first, 16)
  let xt = v128.load32_splat(r)
  let a0 = dot16(xt, q0)
  let a1 = dot16(xt, q1)
  xt = v128.load32_splat(r, 64)
  let b0 = dot16(xt, q0)
  let b1 = dot16(xt, q1)
  xt = v128.load32_splat(r, 128)
  let c0 = dot16(xt, q0)
  let c1 = dot16(xt, q1)
  xt = v128.load32_splat(r, 192)
  let d0 = dot16(xt, q0)
  let d1 = dot16(xt, q1)
  for (let p = first + 32; p < end; p += 32) {
    r += 4
    q0 = v128.load(p)
    q1 = v128.load(p, 16)
    xt = v128.load32_splat(r)
    a0 = i32x4.add(a0, dot16(xt, q0))
    a1 = i32x4.add(a1, dot16(xt, q1))
    xt = v128.load32_splat(r, 64)
    b0 = i32x4.add(b0, dot16(xt, q0))
    b1 = i32x4.add(b1, dot16(xt, q1))
    xt = v128.load32_splat(r, 128)
    c0 = i32x4.add(c0, dot16(xt, q0))
    c1 = i32x4.add(c1, dot16(xt, q1))
    xt = v128.load32_splat(r, 192)
    d0 = i32x4.add(d0, dot16(xt, q0))
    d1 = i32x4.add(d1, dot16(xt, q1))
  }
  finish(a0, a1, false, offset, part, true, panel, x + 256, out)
  finish(b0, b1, false, offset, part, true, panel, x + 260, out + 32)
  finish(c0, c1, false, offset, part, true, panel, x + 264, out + 64)
  finish(d0, d1, false, offset, part, true, panel, x + 268, out + 96)
}

@inline
function wideTile(
  halves: bool,
  offset: bool,
  codes: usize,
  panel: usize,
  x: usize,
  record: usize,
  blocks: i32,
  out: usize,
): void {
  clear(out)
  for (
    const last = panel + <usize>blocks * PANEL_BYTES;
    panel < last;
    panel += PANEL_BYTES, x += record, codes += 512
  ) {
    if (halves) {
      wideSet(offset, 0, codes, panel, x, 0, 8, out)
      wideSet(offset, 1, codes, panel, x, 8, 16, out)
    } else wideSet(offset, 2, codes, panel, x, 0, 16, out)
  }
}

@inline
function wrappedTile(halves: bool, panel: usize, x: usize, record: usize, blocks: i32, out: usize): void {
  clear(out)
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
export function tileWide(codes: usize, panel: usize, x: usize, record: usize, blocks: i32, out: usize): void {
  wideTile(false, false, codes, panel, x, record, blocks, out)
}
export function tileWideOffset(codes: usize, panel: usize, x: usize, record: usize, blocks: i32, out: usize): void {
  wideTile(false, true, codes, panel, x, record, blocks, out)
}
export function tileWideHalves(codes: usize, panel: usize, x: usize, record: usize, blocks: i32, out: usize): void {
  wideTile(true, false, codes, panel, x, record, blocks, out)
}
export function tileWideHalvesOffset(
  codes: usize,
  panel: usize,
  x: usize,
  record: usize,
  blocks: i32,
  out: usize,
): void {
  wideTile(true, true, codes, panel, x, record, blocks, out)
}
