import { argument } from '@tessera-llm/wasm/assembly/lib'
import { BLOCK_TABLE, INT4, INT8, keyAddress, STRIDE_V, V, VALUE_DIM } from '../call'
import { linesByThrees } from '../decode/lines'
import { KEYS_AT_ONCE, SPLIT } from '../decode/splits'
import { touch } from '../decode/touch'
import { lineValuesF16, lineValuesF32, pairValuesF16, pairValuesF32 } from '../decode/value-tiles'
import { lineValuesI8, pairValuesI8, tripleValuesI8 } from './int8-tiles'
import { numbersBytes, roundedBytes } from './memory'
import { addLines, roundLine } from './products'
import { roundPairs, scaleBy } from './rounding'
import {
  bitsOf,
  decodeKeys,
  decodeParameters,
  GROUP,
  groupAddress,
  groupBytes,
  groupedEnd,
  recentAddress,
  storageOf,
} from './storage'

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
  const minima = scales + numbersBytes(args)
  const scaled = minima + numbersBytes(args)
  const decoded = scaled + numbersBytes(args)
  const grouped = groupedEnd(args, V, batch)
  const stride: usize = storage >= INT4 ? (<usize>width) << 1 : argument(args, STRIDE_V + 2)
  if (storage == INT8) {
    for (let at: usize = 0; at < (<usize>SPLIT) << 2; at += 16) v128.store(scales + at, i32x4.splat(0))
    for (let from = skip; from < until; ) {
      // Rows of a page are contiguous.
      const last = min((from + KEYS_AT_ONCE) & ~(KEYS_AT_ONCE - 1), until)
      for (let at = keyAddress(args, V, STRIDE_V, batch, kvHead, start + from, 0); from < last; from++, at += stride)
        store<f32>(scales + (from << 2), load<f32>(at))
    }
    const rest: usize = (until + 3) & ~3
    for (let line: u32 = 0; line < lines; line++) {
      for (let at: usize = rest << 2; at < (<usize>SPLIT) << 2; at += 16)
        v128.store(weights + ((<usize>line * SPLIT) << 2) + at, i32x4.splat(0))
      scaleBy(weights + ((<usize>line * SPLIT) << 2), scales, scales, SPLIT, scaled)
      store<f32>(factors + (line << 2), roundPairs(scaled, SPLIT, 32767, rounded + line * each))
    }
  }
  // Without pages, the rows of a split are contiguous.
  const step = storage == INT8 && argument(args, BLOCK_TABLE) == 0 ? SPLIT : KEYS_AT_ONCE
  for (let from = skip & ~1, last = 0; from < until; from = last) {
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
        minima,
        scaled,
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
    let line: u32 = 0
    if (storage == INT8)
      for (const triples = linesByThrees(lines, width); line < triples; line += 3)
        tripleValuesI8(
          rounded + line * each,
          each,
          factors + (line << 2),
          at,
          stride,
          from,
          last,
          width,
          outputs + line * outputBytes,
          outputBytes,
        )
    for (; line < lines; line += 2) {
      const p0 = weights + ((<usize>line * SPLIT) << 2)
      const p1 = p0 + (SPLIT << 2)
      const o0 = outputs + line * outputBytes
      const o1 = o0 + outputBytes
      const isPair = line + 1 < lines
      if (storage == INT8) {
        const w = rounded + line * each
        if (isPair)
          pairValuesI8(
            w,
            w + each,
            load<f32>(factors + (line << 2)),
            load<f32>(factors + (line << 2), 4),
            at,
            stride,
            from,
            last,
            width,
            o0,
            o1,
          )
        else lineValuesI8(w, load<f32>(factors + (line << 2)), at, stride, from, last, width, o0)
      } else if (storage >= INT4) {
        if (isPair) pairValuesF16(p0, p1, at, stride, begin, last, width, o0, o1)
        else lineValuesF16(p0, at, stride, begin, last, width, o0)
      } else if (isPair) pairValuesF32(p0, p1, at, (<usize>width) << 2, begin, last, width, o0, o1)
      else lineValuesF32(p0, at, (<usize>width) << 2, begin, last, width, o0)
    }
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
  scales: usize,
  minima: usize,
  scaled: usize,
  outputs: usize,
  outputBytes: usize,
): void {
  const width = argument(args, VALUE_DIM)
  const bits = bitsOf(storageOf(args, V))
  const each = roundedBytes(args)
  const codes = groupAddress(args, V, batch, kvHead, key)
  const parameters = codes + ((width * bits) << 2)
  touch(codes + groupBytes(args, V), groupBytes(args, V), bases)
  for (let first: u32 = 0; first < width; first += GROUP) {
    decodeParameters(parameters + (first << 2), GROUP, 1, scales, minima)
    for (let line: u32 = 0; line < lines; line++)
      store<f32>(
        bases + (line << 2),
        roundLine(
          weights + ((<usize>line * SPLIT) << 2),
          scales,
          minima,
          GROUP,
          bits,
          rounded + line * each,
          factors + (line << 2),
          scaled,
        ),
      )
    addLines(
      bits,
      codes + (first << 2),
      width << 2,
      GROUP,
      min<u32>(GROUP, width - first),
      lines,
      rounded,
      each,
      factors,
      bases,
      outputs + (first << 2),
      outputBytes,
    )
  }
}
