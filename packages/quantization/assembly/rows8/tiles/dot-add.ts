import { ZERO, ZERO_HIGH, ZERO_LOW } from '../activations'
import { dotAdd } from '../lanes'
import { PANEL_BYTES } from '../panel'
import { clear, finish } from './finish'

// out[6][8] = six tokens times the panel of 8 rows, by products of 8 bits that one instruction sums in i32. An
// instruction takes about five cycles and two begin in one, so that ten sums keep a processor busy; twelve, two
// vectors of codes and one of tokens fill the 15 registers that engines give away. Sums begin at −zero · Σ x. The plain
// build, which never runs these functions, has nothing in them.

/** Tokens of a tile. */
export const TILE_TOKENS: u32 = 6
const CODES: usize = 32 * TILE_TOKENS
const FIELD: usize = 4 * TILE_TOKENS

/** Adds vectors from … to − 1 of a block. */
@inline
function addSet(offset: bool, part: i32, panel: usize, x: usize, from: i32, to: i32, out: usize): void {
  const fields = x + CODES
  const zeros = fields + FIELD * (part == 2 ? ZERO : part == 0 ? ZERO_LOW : ZERO_HIGH)
  let a0 = v128.load32_splat(zeros)
  let b0 = v128.load32_splat(zeros, 4)
  let c0 = v128.load32_splat(zeros, 8)
  let d0 = v128.load32_splat(zeros, 12)
  let e0 = v128.load32_splat(zeros, 16)
  let f0 = v128.load32_splat(zeros, 20)
  let a1 = a0
  let b1 = b0
  let c1 = c0
  let d1 = d0
  let e1 = e0
  let f1 = f0
  let r = x + 4 * from
  for (let p = panel + 32 * from, end = panel + 32 * to; p < end; p += 32, r += 4) {
    const q0 = v128.load(p)
    const q1 = v128.load(p, 16)
    let xt = v128.load32_splat(r)
    a0 = dotAdd(xt, q0, a0)
    a1 = dotAdd(xt, q1, a1)
    xt = v128.load32_splat(r, 32)
    b0 = dotAdd(xt, q0, b0)
    b1 = dotAdd(xt, q1, b1)
    xt = v128.load32_splat(r, 64)
    c0 = dotAdd(xt, q0, c0)
    c1 = dotAdd(xt, q1, c1)
    xt = v128.load32_splat(r, 96)
    d0 = dotAdd(xt, q0, d0)
    d1 = dotAdd(xt, q1, d1)
    xt = v128.load32_splat(r, 128)
    e0 = dotAdd(xt, q0, e0)
    e1 = dotAdd(xt, q1, e1)
    xt = v128.load32_splat(r, 160)
    f0 = dotAdd(xt, q0, f0)
    f1 = dotAdd(xt, q1, f1)
  }
  finish(TILE_TOKENS, a0, a1, false, offset, part, true, panel, fields, out)
  finish(TILE_TOKENS, b0, b1, false, offset, part, true, panel, fields + 4, out + 32)
  finish(TILE_TOKENS, c0, c1, false, offset, part, true, panel, fields + 8, out + 64)
  finish(TILE_TOKENS, d0, d1, false, offset, part, true, panel, fields + 12, out + 96)
  finish(TILE_TOKENS, e0, e1, false, offset, part, true, panel, fields + 16, out + 128)
  finish(TILE_TOKENS, f0, f1, false, offset, part, true, panel, fields + 20, out + 160)
}

@inline
function tileAdd(halves: bool, offset: bool, panel: usize, x: usize, record: usize, blocks: i32, out: usize): void {
  if (!ASC_FEATURE_RELAXED_SIMD) return
  clear(out, TILE_TOKENS)
  for (const last = panel + <usize>blocks * PANEL_BYTES; panel < last; panel += PANEL_BYTES, x += record) {
    if (halves) {
      addSet(offset, 0, panel, x, 0, 4, out)
      addSet(offset, 1, panel, x, 4, 8, out)
    } else addSet(offset, 2, panel, x, 0, 8, out)
  }
}

export function tileAddZero(panel: usize, x: usize, record: usize, blocks: i32, out: usize): void {
  tileAdd(false, false, panel, x, record, blocks, out)
}
export function tileAddOffset(panel: usize, x: usize, record: usize, blocks: i32, out: usize): void {
  tileAdd(false, true, panel, x, record, blocks, out)
}
export function tileAddHalvesZero(panel: usize, x: usize, record: usize, blocks: i32, out: usize): void {
  tileAdd(true, false, panel, x, record, blocks, out)
}
export function tileAddHalvesOffset(panel: usize, x: usize, record: usize, blocks: i32, out: usize): void {
  tileAdd(true, true, panel, x, record, blocks, out)
}
