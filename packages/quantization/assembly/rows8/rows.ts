import { argument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { largest, toInteger } from './activations'
import { groupBytesAt, superBytesAt } from './layout'
import { blocksOf, COLUMNS, layoutOf, RECORDS, REST, ROWS, SCRATCH, SCRATCH_BYTES, storeGroup, TAIL, TOKENS, WEIGHT, X } from './linear'
import { widenPanel } from './panel'
import { dot16 } from './token-sums'

// W8A8: weights of 8 bits with one scale a row, activations of 8 bits with one scale a token. Sums run over whole rows in i32 and are scaled
// once: |Σ| < 2^31 up to 133 000 columns.
//
// Four tokens lie side by side: i16 [K / 2][4][2], K rounded up to 32 with zeros, then 4 f32 scales.

const TOKENS_AT_ONCE: u32 = 256

@inline function quadBytes(blocks: i32): usize {
  return <usize>blocks * 256 + 16
}

/** First stage: quads of tokens, shared out. */
export function quantizeRows(args: usize, thread: u32, threads: u32): void {
  const tokens = argument(args, TOKENS), columns = argument(args, COLUMNS), blocks = blocksOf(args)
  const tail: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES) + TAIL
  const quads = (tokens + 3) >> 2
  const end = shareEnd(quads, thread, threads)
  for (let quad = shareBegin(quads, thread, threads); quad < end; quad++) {
    const to: usize = argument(args, RECORDS) + <usize>quad * quadBytes(blocks), scales = to + (<usize>blocks << 8)
    const stride: usize = <usize>columns << 2, x: usize = argument(args, X) + (<usize>quad << 2) * stride, count = tokens - (quad << 2)
    // Tokens that are not there repeat the last; nothing is stored of them.
    const x1 = x + min<u32>(1, count - 1) * stride, x2 = x + min<u32>(2, count - 1) * stride, x3 = x + min<u32>(3, count - 1) * stride
    const a = inverseOf(x, columns, scales), b = inverseOf(x1, columns, scales + 4), c = inverseOf(x2, columns, scales + 8), d = inverseOf(x3, columns, scales + 12)
    let k: u32 = 0
    for (; k + 8 <= columns; k += 8) interleave(codes8(x + (<usize>k << 2), a), codes8(x1 + (<usize>k << 2), b), codes8(x2 + (<usize>k << 2), c), codes8(x3 + (<usize>k << 2), d), to + (<usize>k << 3))
    if (k == columns) {
      memory.fill(to + (<usize>k << 3), 0, (<usize>blocks << 8) - (<usize>k << 3))
      continue
    }
    // The columns that are left of each token, filled up to 8.
    const left = (columns - k) << 2
    memory.fill(tail, 0, 128)
    memory.copy(tail, x + (<usize>k << 2), left), memory.copy(tail + 32, x1 + (<usize>k << 2), left), memory.copy(tail + 64, x2 + (<usize>k << 2), left), memory.copy(tail + 96, x3 + (<usize>k << 2), left)
    interleave(codes8(tail, a), codes8(tail + 32, b), codes8(tail + 64, c), codes8(tail + 96, d), to + (<usize>k << 3))
    memory.fill(to + (<usize>(k + 8) << 3), 0, (<usize>blocks << 8) - (<usize>(k + 8) << 3))
  }
}

/** 127 / max |x|, in all lanes; the scale goes to `scale`. */
function inverseOf(x: usize, columns: u32, scale: usize): v128 {
  const limit = largest(x, columns)
  store<f32>(scale, limit / 127)
  return f32x4.splat(limit >= <f32>7.888609052210118e-31 ? <f32>127 / limit : <f32>0)
}

@inline function codes8(x: usize, inverse: v128): v128 {
  return i16x8.narrow_i32x4_s(toInteger(f32x4.mul(v128.load(x), inverse)), toInteger(f32x4.mul(v128.load(x, 16), inverse)))
}

/** Pairs of columns of four tokens: [pair][token]. */
@inline function interleave(a: v128, b: v128, c: v128, d: v128, to: usize): void {
  const ab0 = v128.shuffle<i32>(a, b, 0, 4, 1, 5), ab1 = v128.shuffle<i32>(a, b, 2, 6, 3, 7)
  const cd0 = v128.shuffle<i32>(c, d, 0, 4, 1, 5), cd1 = v128.shuffle<i32>(c, d, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<i64>(ab0, cd0, 0, 2))
  v128.store(to, v128.shuffle<i64>(ab0, cd0, 1, 3), 16)
  v128.store(to, v128.shuffle<i64>(ab1, cd1, 0, 2), 32)
  v128.store(to, v128.shuffle<i64>(ab1, cd1, 1, 3), 48)
}

/** Second stage. */
export function gemmRows(args: usize, thread: u32, threads: u32): void {
  const tokens = argument(args, TOKENS), blocks = blocksOf(args)
  const out: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES), codes = out + REST
  const groups = (argument(args, ROWS) + 7) >> 3, bytes = groupBytesAt(layoutOf(args), blocks)
  const end = shareEnd(groups, thread, threads)
  for (let first: u32 = 0; first < tokens; first += TOKENS_AT_ONCE) {
    const last = min(first + TOKENS_AT_ONCE, tokens)
    for (let g = shareBegin(groups, thread, threads); g < end; g++) {
      const group: usize = argument(args, WEIGHT) + g * bytes
      const scale0 = v128.load(group), scale1 = v128.load(group, 16)
      widenPanel(group + superBytesAt(layoutOf(args)), 256, blocks, 0, codes)
      for (let token = first; token < last; token += 4) {
        const x: usize = argument(args, RECORDS) + <usize>(token >> 2) * quadBytes(blocks), scales = x + (<usize>blocks << 8)
        rowsTile(codes, x, blocks << 4, out)
        for (let i: usize = 0; i < 4; i++) {
          const sums = out + (i << 5), s = v128.load32_splat(scales + (i << 2))
          v128.store(sums, f32x4.mul(f32x4.convert_i32x4_s(v128.load(sums)), f32x4.mul(scale0, s)))
          v128.store(sums, f32x4.mul(f32x4.convert_i32x4_s(v128.load(sums, 16)), f32x4.mul(scale1, s)), 16)
        }
        storeGroup(args, token, min<u32>(4, last - token), g, out)
      }
    }
  }
}

/** out[4][8] = i32 sums over `steps` pairs of columns. */
export function rowsTile(codes: usize, x: usize, steps: i32, out: usize): void {
  let a0 = i32x4.splat(0), a1 = a0, b0 = a0, b1 = a0, c0 = a0, c1 = a0, d0 = a0, d1 = a0
  const end = codes + 32 * steps
  for (; codes < end; codes += 32, x += 16) {
    const q0 = v128.load(codes), q1 = v128.load(codes, 16)
    let xt = v128.load32_splat(x)
    a0 = i32x4.add(a0, dot16(xt, q0)), a1 = i32x4.add(a1, dot16(xt, q1))
    xt = v128.load32_splat(x, 4)
    b0 = i32x4.add(b0, dot16(xt, q0)), b1 = i32x4.add(b1, dot16(xt, q1))
    xt = v128.load32_splat(x, 8)
    c0 = i32x4.add(c0, dot16(xt, q0)), c1 = i32x4.add(c1, dot16(xt, q1))
    xt = v128.load32_splat(x, 12)
    d0 = i32x4.add(d0, dot16(xt, q0)), d1 = i32x4.add(d1, dot16(xt, q1))
  }
  v128.store(out, a0), v128.store(out, a1, 16), v128.store(out, b0, 32), v128.store(out, b1, 48)
  v128.store(out, c0, 64), v128.store(out, c1, 80), v128.store(out, d0, 96), v128.store(out, d1, 112)
}
