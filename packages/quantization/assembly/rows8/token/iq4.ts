import { iq4Table, lookup, nibbleMask } from '@tessera-llm/wasm/assembly/lib'
import { recordBytes } from '../activations'
import { dot8, widened } from '../lanes'
import { blockBytesAt, headBytesAt, superBlocksAt, superBytesAt } from '../layout'

// Sums of the levels of IQ4 by products of 8 bits. A level is 15 · code + rest − 127 with rests of 0 … 18, so that i16
// holds the sums of codes over a block, 127 · 2 · 15 · 8, and those of rests over half of one. That takes two thirds of
// the instructions of levels widened to 16 bits.

/** What is subtracted from codes · 15 + rests: the zero of IQ4 where its products are of 8 bits. */
export const IQ4_ZERO: i32 = 127

/** The rests of the 16 levels. */
@inline
function rests(): v128 {
  return i8x16.add(iq4Table(), i8x16(127, 112, 97, 82, 67, 52, 37, 22, 7, -8, -23, -38, -53, -68, -83, -98))
}

/** 15 · codes + rests of low nibbles + rests of high nibbles. */
@inline
function joined(codes: v128, low: v128, high: v128): v128 {
  const sums = widened(codes)
  return i32x4.add(i32x4.sub(i32x4.shl(sums, 4), sums), i32x4.add(widened(low), widened(high)))
}

@inline
function blockSums(p: usize, x: usize, mask: v128, table: v128, sums: usize): void {
  let v0 = v128.load(p)
  let v1 = v128.load(p, 16)
  let xt = v128.load32_splat(x)
  let q0 = v128.and(v0, mask)
  let q1 = v128.and(v1, mask)
  let c0 = dot8(xt, q0)
  let c1 = dot8(xt, q1)
  let l0 = dot8(xt, lookup(table, q0))
  let l1 = dot8(xt, lookup(table, q1))
  xt = v128.load32_splat(x, 16)
  q0 = v128.and(i16x8.shr_u(v0, 4), mask)
  q1 = v128.and(i16x8.shr_u(v1, 4), mask)
  c0 = i16x8.add(c0, dot8(xt, q0))
  c1 = i16x8.add(c1, dot8(xt, q1))
  let h0 = dot8(xt, lookup(table, q0))
  let h1 = dot8(xt, lookup(table, q1))
  for (const end = p + 96; p < end; ) {
    p += 32
    x += 4
    v0 = v128.load(p)
    v1 = v128.load(p, 16)
    xt = v128.load32_splat(x)
    q0 = v128.and(v0, mask)
    q1 = v128.and(v1, mask)
    c0 = i16x8.add(c0, dot8(xt, q0))
    c1 = i16x8.add(c1, dot8(xt, q1))
    l0 = i16x8.add(l0, dot8(xt, lookup(table, q0)))
    l1 = i16x8.add(l1, dot8(xt, lookup(table, q1)))
    xt = v128.load32_splat(x, 16)
    q0 = v128.and(i16x8.shr_u(v0, 4), mask)
    q1 = v128.and(i16x8.shr_u(v1, 4), mask)
    c0 = i16x8.add(c0, dot8(xt, q0))
    c1 = i16x8.add(c1, dot8(xt, q1))
    h0 = i16x8.add(h0, dot8(xt, lookup(table, q0)))
    h1 = i16x8.add(h1, dot8(xt, lookup(table, q1)))
  }
  v128.store(sums, joined(c0, l0, h0))
  v128.store(sums, joined(c1, l1, h1), 16)
}

/** `table` is 16 bytes of scratch: what is loaded stays in a register, what is computed V8 computes in the loop. */
export function sumsIQ4Bytes(
  layout: usize,
  p: usize,
  streams: i32,
  distance: usize,
  x: usize,
  blocks: i32,
  sums: usize,
  span: usize,
  table: usize,
): void {
  if (!ASC_FEATURE_RELAXED_SIMD) return
  const block = blockBytesAt(layout)
  const superBytes = superBytesAt(layout)
  const superBlocks = superBlocksAt(layout)
  v128.store(table, rests())
  const mask = nibbleMask()
  const rest = v128.load(table)
  const record = recordBytes(false, 1)
  const end = sums + (blocks << 5)
  const last = distance * streams
  p += headBytesAt(layout)
  for (let left = 0; sums < end; sums += 32, p += block, x += record) {
    if (left == 0) {
      p += superBytes
      left = superBlocks
    }
    left -= 1
    for (let q = p, to = sums; q < p + last; q += distance, to += span) blockSums(q, x, mask, rest, to)
  }
}
