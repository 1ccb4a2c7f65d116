import { argument } from '@tessera-llm/wasm/assembly/lib'
import { BLOCK_TABLE, DOT_ADD, INT4, INT8, K, keyAddress, KV_HEADS, STRIDE_V, V, VALUE_DIM } from '../call'
import { clear, linesByThrees } from '../decode/lines'
import { KEYS_AT_ONCE, SPLIT } from '../decode/splits'
import { lineValuesF16, lineValuesF32, pairValuesF16, pairValuesF32 } from '../decode/value-tiles'
import { lineValuesI8, pairValuesI8, tripleValuesI8 } from './int8-tiles'
import { AHEAD_BYTES, beginAhead, touchSome } from './ahead'
import { aheadAt, numbersBytes, roundedBytes } from './memory'
import { addLines, NO_BYTES, roundLines, UNSIGNED_BYTES } from './products'
import { roundWeights } from './rounding'
import { oneRowBytes, threeRowBytes, twoRowBytes } from './row-bytes'
import { bitsOf, decodeKeys, GROUP, groupAddress, groupBytes, groupedEnd, recentAddress, storageOf } from './storage'

// Weighted sums of a split over packed values: the weights are rounded and multiplied with the codes, as queries are
// (scores.ts).

/**
 * outputs[line] += Σ weights · v over keys `skip` … `until` − 1 of the split. The weights are in the rows of the
 * scores, and 0 for other keys.
 */
export function weighPacked(
  args: usize,
  batch: u32,
  kvHead: u32,
  start: i32,
  skip: i32,
  until: i32,
  keys: i32,
  threads: u32,
  lines: u32,
  weights: usize,
  memory0: usize,
  outputs: usize,
  outputBytes: usize,
): void {
  const width = argument(args, VALUE_DIM)
  const storage = storageOf(args, V)
  const rounded = memory0
  const each = roundedBytes(args)
  const factors = rounded + lines * each
  const bases = factors + (lines << 2)
  const scales = bases + (lines << 2)
  const scaled = scales + numbersBytes(args)
  const ahead = aheadAt(scales, args)
  const decoded = ahead + AHEAD_BYTES
  const parts = storage == INT8 ? lines + (width + 15) / 16 : (SPLIT / GROUP) * ((width + 31) / 32)
  const next = kvHead + threads
  const heads = argument(args, KV_HEADS)
  beginAhead(args, K, batch, next % heads, start + <i32>(next / heads) * SPLIT, keys, parts, ahead)
  const dotAdd = argument(args, DOT_ADD)
  const byteBits: u32 = dotAdd == NO_BYTES ? 0 : dotAdd == UNSIGNED_BYTES ? 8 : 7
  const grouped = groupedEnd(args, V, batch)
  const stride: usize = storage >= INT4 ? (<usize>width) << 1 : argument(args, STRIDE_V + 2)
  if (storage == INT8) {
    clear(scales, (<usize>SPLIT) << 2)
    for (let from = skip; from < until; ) {
      // Rows of a page are contiguous.
      const last = argument(args, BLOCK_TABLE) == 0 ? until : min((from + KEYS_AT_ONCE) & ~(KEYS_AT_ONCE - 1), until)
      let at = keyAddress(args, V, STRIDE_V, batch, kvHead, start + from, 0)
      for (; from + 4 <= last; from += 4, at += stride << 2)
        v128.store(
          scales + (from << 2),
          v128.load32_lane(
            at + 3 * stride,
            v128.load32_lane(at + 2 * stride, v128.load32_lane(at + stride, v128.load32_zero(at), 1), 2),
            3,
          ),
        )
      for (; from < last; from++, at += stride) store<f32>(scales + (from << 2), load<f32>(at))
    }
    const rest: usize = (until + 3) & ~3
    for (let line: u32 = 0; line < lines; line++) {
      clear(weights + ((<usize>line * SPLIT + rest) << 2), (SPLIT - rest) << 2)
      touchSome(ahead)
      store<f32>(
        factors + (line << 2),
        roundWeights(weights + ((<usize>line * SPLIT) << 2), scales, SPLIT, byteBits, scaled, rounded + line * each),
      )
    }
  }
  // Without pages, the rows of a split are contiguous.
  const step = storage == INT8 && argument(args, BLOCK_TABLE) == 0 ? SPLIT : KEYS_AT_ONCE
  for (let from = skip & (byteBits == 0 ? ~1 : ~3), last = 0; from < until; from = last) {
    last = min((from + step) & ~(step - 1), until)
    const key = start + from
    if (key < grouped) {
      const first = from & ~(GROUP - 1)
      last = first + GROUP
      weighGroup(
        args,
        batch,
        kvHead,
        start + first,
        lines,
        weights + (first << 2),
        rounded,
        factors,
        bases,
        scales,
        ahead,
        outputs,
        outputBytes,
      )
      continue
    }
    let at: usize
    if (storage == INT8) at = keyAddress(args, V, STRIDE_V, batch, kvHead, key, 0) - <usize>from * stride
    else if (storage >= INT4) at = recentAddress(args, V, batch, kvHead, key, stride) - <usize>from * stride
    else {
      decodeKeys(args, V, batch, kvHead, key, last - from, width, decoded)
      at = decoded - ((<usize>from * width) << 2)
    }
    // An f16 row before the window may hold anything.
    const begin = storage >= INT4 ? max(from, skip) : from
    if (storage == INT8) {
      const some: u32 = lines > 1 ? 16 : 32
      for (let d: u32 = 0; d < width; d += some) {
        touchSome(ahead)
        addRowsOf(
          byteBits,
          rounded,
          each,
          factors,
          at + d,
          stride,
          from,
          last,
          min(some, width - d),
          lines,
          outputs + (d << 2),
          outputBytes,
        )
      }
      continue
    }
    for (let line: u32 = 0; line < lines; line += 2) {
      const p0 = weights + ((<usize>line * SPLIT) << 2)
      const p1 = p0 + (SPLIT << 2)
      const o0 = outputs + line * outputBytes
      const o1 = o0 + outputBytes
      const isPair = line + 1 < lines
      if (storage >= INT4) {
        if (isPair) pairValuesF16(p0, p1, at, stride, begin, last, width, o0, o1)
        else lineValuesF16(p0, at, stride, begin, last, width, o0)
      } else if (isPair) pairValuesF32(p0, p1, at, (<usize>width) << 2, begin, last, width, o0, o1)
      else lineValuesF32(p0, at, (<usize>width) << 2, begin, last, width, o0)
    }
  }
}

/** Adds `width` channels of int8 rows `first` … `end` − 1 to all lines. */
function addRowsOf(
  bits: u32,
  rounded: usize,
  each: usize,
  factors: usize,
  v: usize,
  stride: usize,
  first: i32,
  end: i32,
  width: u32,
  lines: u32,
  out: usize,
  outStride: usize,
): void {
  const triples = linesByThrees(lines, width)
  for (let line: u32 = 0, some: u32 = 0; line < lines; line += some) {
    const w = rounded + line * each
    const f = factors + (line << 2)
    const o = out + line * outStride
    some = line < triples ? 3 : min<u32>(lines - line, 2)
    if (bits != 0) {
      if (some == 3) threeRowBytes(w, each, f, v, stride, first, end, width, o, outStride, bits)
      else if (some == 2) twoRowBytes(w, each, f, v, stride, first, end, width, o, outStride, bits)
      else oneRowBytes(w, each, f, v, stride, first, end, width, o, outStride, bits)
    } else if (some == 3) tripleValuesI8(w, each, f, v, stride, first, end, width, o, outStride)
    else if (some == 2)
      pairValuesI8(w, w + each, load<f32>(f), load<f32>(f, 4), v, stride, first, end, width, o, o + outStride)
    else lineValuesI8(w, load<f32>(f), v, stride, first, end, width, o)
  }
}

/**
 * 32 tokens of values coded by token: the tokens' scales go into the weights of 32 channels, their minima into one sum
 * for these channels.
 */
function weighGroup(
  args: usize,
  batch: u32,
  kvHead: u32,
  key: u32,
  lines: u32,
  weights: usize,
  rounded: usize,
  factors: usize,
  bases: usize,
  scaled: usize,
  ahead: usize,
  outputs: usize,
  outputBytes: usize,
): void {
  const width = argument(args, VALUE_DIM)
  const bits = bitsOf(storageOf(args, V))
  const dotAdd = argument(args, DOT_ADD)
  const each = roundedBytes(args)
  const codes = groupAddress(args, V, batch, kvHead, key)
  const words = codes + ((width * bits) << 2)
  for (let first: u32 = 0; first < width; first += GROUP) {
    touchSome(ahead)
    const at: usize = (<usize>first) << 2
    roundLines(
      words + at,
      GROUP,
      weights,
      SPLIT << 2,
      lines,
      bits,
      dotAdd,
      rounded,
      each,
      factors,
      bases,
      scaled,
      numbersBytes(args),
    )
    addLines(
      bits,
      dotAdd,
      codes + at,
      width << 2,
      GROUP,
      min<u32>(GROUP, width - first),
      lines,
      rounded,
      each,
      factors,
      bases,
      outputs + at,
      outputBytes,
    )
  }
}
