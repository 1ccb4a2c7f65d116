import { dot16 } from '../lanes'
import { PANEL_BYTES } from '../panel'
import { clear, finish } from './finish'

// Tiles as in narrow.ts, by products of 16 bits.

/** Adds steps from … to − 1, two columns each, of a block: codes of 16 bits at `codes`, less their zero. */
@inline
function wideSet(offset: bool, part: i32, codes: usize, panel: usize, x: usize, from: i32, to: i32, out: usize): void {
  // The first step begins the sums: nothing is cleared.
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
  finish(4, a0, a1, false, offset, part, true, panel, x + 256, out)
  finish(4, b0, b1, false, offset, part, true, panel, x + 260, out + 32)
  finish(4, c0, c1, false, offset, part, true, panel, x + 264, out + 64)
  finish(4, d0, d1, false, offset, part, true, panel, x + 268, out + 96)
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
  clear(out, 4)
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
