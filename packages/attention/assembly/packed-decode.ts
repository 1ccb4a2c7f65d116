import { argument } from '@tessera-llm/wasm/assembly/lib'
import {
  BLOCK_TABLE,
  HEAD_DIM,
  INT4,
  INT8,
  K,
  keyAddress,
  Q,
  rowAddress,
  ROWS,
  scaleOf,
  STRIDE_K,
  STRIDE_Q,
  STRIDE_V,
  V,
  VALUE_DIM,
} from './call'
import {
  lineScoresF16,
  lineScoresF32,
  lineValuesF16,
  lineValuesF32,
  pairScoresF16,
  pairScoresF32,
  pairValuesF16,
  pairValuesF32,
} from './decode-tiles'
import { linesByThrees, touch } from './decode'
import { fourCodes, fourCodes8, lineCodes8, pairCodes8, tripleCodes8 } from './group-tiles'
import { lineCodes2, lineCodes4, pairCodes2, pairCodes4, tripleCodes2, tripleCodes4 } from './group-tiles-narrow'
import {
  bitsOf,
  decodeKeys,
  decodeParameters,
  GROUP,
  groupAddress,
  groupBytes,
  groupedEnd,
  recentAddress,
  roundBlock,
  roundPairs,
  scaleBy,
  storageOf,
} from './packed'
import { lineScoresI8, lineValuesI8, pairScoresI8, pairValuesI8, tripleValuesI8 } from './packed-tiles'

// Decode over packed keys and values, one split of one KV head. Lines order by query head of the group, then row.
// Queries and weights are rounded and multiplied with the codes as integers: to 16 bits for 8-bit codes; to 8 bits in
// blocks of 32 for codes of 4 and 2 bits, whose own error is far larger.

/** As in decode.ts. */
const SPLIT: i32 = 128
const KEYS_AT_ONCE: i32 = 16

// Memory of a thread beside the scores (src/attention/wasm/decode.ts allocates it): rounded queries or weights
// [lines][max(D + D / 16 + 48, SPLIT)] i16, or as many i8 as blocks of 32 hold, followed by a factor per block; factors
// [lines] and bases [lines]; scales, minima and a scaled line of max(D, Dv, SPLIT) + 32 numbers each; decoded rows
// [16][max(D, Dv)].

@inline
function roundedBytes(args: usize): usize {
  const width = argument(args, HEAD_DIM)
  return (<usize>max<u32>(width + (width >> 4) + 48, SPLIT)) << 1
}

@inline
function numbersBytes(args: usize): usize {
  return (<usize>(max(max(argument(args, HEAD_DIM), argument(args, VALUE_DIM)), <u32>SPLIT) + 32)) << 2
}

@inline
function queryAddress(args: usize, batch: u32, kvHead: u32, group: u32, line: u32): usize {
  const rows = argument(args, ROWS)
  return rowAddress(args, Q, STRIDE_Q, batch, kvHead * group + line / rows, line % rows, 2)
}

/** scores[line][i] = scale · q · k for keys `start` … `start + count − 1`. */
export function scorePacked(
  args: usize,
  batch: u32,
  kvHead: u32,
  start: i32,
  count: i32,
  group: u32,
  scores: usize,
  memory0: usize,
): void {
  const lines = group * argument(args, ROWS)
  const width = argument(args, HEAD_DIM)
  const storage = storageOf(args, K)
  const scale = scaleOf(args)
  const rounded = memory0
  const each = roundedBytes(args)
  const factors = rounded + lines * each
  const bases = factors + (lines << 2)
  const scales = bases + (lines << 2)
  const minima = scales + numbersBytes(args)
  const scaled = minima + numbersBytes(args)
  const decoded = scaled + numbersBytes(args)
  const grouped = groupedEnd(args, K, batch)
  const padded = (width + 7) & ~7
  const stride: usize = storage >= INT4 ? (<usize>width) << 1 : argument(args, STRIDE_K + 2)
  if (storage == INT8) {
    for (let line: u32 = 0; line < lines; line++) {
      memory.fill(scaled, 0, padded << 2)
      memory.copy(scaled, queryAddress(args, batch, kvHead, group, line), width << 2)
      store<f32>(factors + (line << 2), scale * roundPairs(scaled, padded, 32767, rounded + line * each))
    }
  }
  for (let from = 0; from < count; from += KEYS_AT_ONCE) {
    const some = min(KEYS_AT_ONCE, count - from)
    const key = start + from
    if (key < grouped) {
      if ((from & (GROUP - 1)) == 0)
        scoreGroup(
          args,
          batch,
          kvHead,
          key,
          group,
          lines,
          scores + (from << 2),
          rounded,
          factors,
          bases,
          scales,
          minima,
          scaled,
        )
      continue
    }
    let keysAt: usize
    if (storage == INT8) keysAt = keyAddress(args, K, STRIDE_K, batch, kvHead, key, 0)
    else if (storage >= INT4) keysAt = recentAddress(args, K, batch, kvHead, key, stride)
    else {
      decodeKeys(args, K, batch, kvHead, key, some, width, decoded)
      keysAt = decoded
    }
    for (let line: u32 = 0; line < lines; line += 2) {
      const s0 = scores + ((<usize>line * SPLIT + from) << 2)
      const s1 = s0 + (SPLIT << 2)
      const isPair = line + 1 < lines
      if (storage == INT8) {
        const q = rounded + line * each
        if (isPair)
          pairScoresI8(
            q,
            q + each,
            load<f32>(factors + (line << 2)),
            load<f32>(factors + (line << 2), 4),
            keysAt,
            stride,
            some,
            width,
            s0,
            s1,
          )
        else lineScoresI8(q, load<f32>(factors + (line << 2)), keysAt, stride, some, width, s0)
        continue
      }
      const q0 = queryAddress(args, batch, kvHead, group, line)
      const q1 = isPair ? queryAddress(args, batch, kvHead, group, line + 1) : q0
      if (storage >= INT4) {
        if (isPair) pairScoresF16(q0, q1, keysAt, stride, some, width, scale, s0, s1)
        else lineScoresF16(q0, keysAt, stride, some, width, scale, s0)
      } else if (isPair) pairScoresF32(q0, q1, keysAt, (<usize>width) << 2, some, width, scale, s0, s1)
      else lineScoresF32(q0, keysAt, (<usize>width) << 2, some, width, scale, s0)
    }
  }
}

/**
 * Rounds `width` elements x of a line, scaled, for products with codes in groups. Returns what a column adds to the sum
 * of products: Σ x · minima. For 8 bits, the line's one factor goes to `factor`; otherwise a factor per 32 elements
 * follows them, at `codeBytes`.
 */
function roundLine(
  x: usize,
  scales: usize,
  minima: usize,
  width: u32,
  bits: u32,
  to: usize,
  factor: usize,
  scaled: usize,
): f32 {
  if (bits == 8) {
    const base = scaleBy(x, scales, minima, width, scaled)
    if ((width & 4) != 0) v128.store(scaled + ((<usize>width) << 2), f32x4.splat(0))
    // Sums of products with codes of up to 255 fit 32 bits.
    store<f32>(factor, roundPairs(scaled, (width + 7) & ~7, <f32>min<u32>(32767, 16777216 / width), to))
    return base
  }
  let base: f32 = 0
  const factors = to + codeBytes(width)
  for (let d: usize = 0; d < width; d += 32)
    base += roundBlock(
      x + (d << 2),
      scales + (d << 2),
      minima + (d << 2),
      width - <u32>d,
      bits,
      to + d,
      factors + (d >> 3),
    )
  return base
}

@inline
function codeBytes(width: u32): usize {
  return (<usize>width + 31) & ~31
}

/**
 * Scores of 32 tokens whose keys are coded by channel: the channels' scales go into the queries, their minima into one
 * sum for all tokens.
 */
function scoreGroup(
  args: usize,
  batch: u32,
  kvHead: u32,
  key: u32,
  group: u32,
  lines: u32,
  scores: usize,
  rounded: usize,
  factors: usize,
  bases: usize,
  scales: usize,
  minima: usize,
  scaled: usize,
): void {
  const width = argument(args, HEAD_DIM)
  const bits = bitsOf(storageOf(args, K))
  const each = roundedBytes(args)
  const codes = groupAddress(args, K, batch, kvHead, key)
  const bytes = groupBytes(args, K)
  // Prefetches the next group, or what follows the last one, while this one is computed.
  touch(codes + bytes, bytes, bases)
  if (storageOf(args, V) == INT8 && argument(args, BLOCK_TABLE) == 0)
    touch(keyAddress(args, V, STRIDE_V, batch, kvHead, key, 0), <usize>GROUP * argument(args, STRIDE_V + 2), bases)
  decodeParameters(codes + ((width * bits) << 2), width, scaleOf(args), scales, minima)
  for (let line: u32 = 0; line < lines; line++) {
    store<f32>(
      bases + (line << 2),
      roundLine(
        queryAddress(args, batch, kvHead, group, line),
        scales,
        minima,
        width,
        bits,
        rounded + line * each,
        factors + (line << 2),
        scaled,
      ),
    )
    // For so few bytes, `memory.fill` costs a call out of WebAssembly.
    const row = scores + <usize>line * (SPLIT << 2)
    for (let at: usize = 0; at < (<usize>GROUP) << 2; at += 16) v128.store(row + at, i32x4.splat(0))
  }
  addLines(bits, codes, GROUP << 2, width, GROUP, lines, rounded, each, factors, bases, scores, SPLIT << 2)
}

/** out += codes · x for all lines, over `columns` columns (a multiple of 4) of `count` codes each. */
function addLines(
  bits: u32,
  codes: usize,
  stride: usize,
  count: u32,
  columns: u32,
  lines: u32,
  rounded: usize,
  each: usize,
  factors: usize,
  bases: usize,
  out: usize,
  outStride: usize,
): void {
  const triples = linesByThrees(lines, columns)
  const end = (<usize>columns) << 2
  const steps = (count * bits) / 32
  let line: u32 = 0
  for (; line < triples; line += 3) {
    const x = rounded + line * each
    const base = bases + (line << 2)
    const to = out + line * outStride
    if (bits == 8)
      for (let at: usize = 0; at < end; at += 16)
        tripleCodes8(codes + at, stride, steps, x, each, factors + (line << 2), base, to + at, outStride)
    else if (bits == 4)
      for (let at: usize = 0; at < end; at += 32)
        tripleCodes4(codes + at, stride, steps, x, each, x + codeBytes(count), base, to + at, outStride)
    else
      for (let at: usize = 0; at < end; at += 32)
        tripleCodes2(codes + at, stride, steps, x, each, x + codeBytes(count), base, to + at, outStride)
  }
  for (; line < lines; line += 2)
    addCodes(bits, codes, stride, count, columns, line, lines, rounded, each, factors, bases, out, outStride)
}

/** out += codes · x for lines `line` and `line` + 1, over `columns` columns (a multiple of 4) of `count` codes each. */
function addCodes(
  bits: u32,
  codes: usize,
  stride: usize,
  count: u32,
  columns: u32,
  line: u32,
  lines: u32,
  rounded: usize,
  each: usize,
  factors: usize,
  bases: usize,
  out: usize,
  outStride: usize,
): void {
  const second: usize = line + 1 < lines ? 1 : 0
  const x0 = rounded + line * each
  const x1 = x0 + second * each
  const steps = (count * bits) / 32
  const o0 = out + line * outStride
  const o1 = o0 + outStride
  const b0 = load<f32>(bases + (line << 2))
  const b1 = load<f32>(bases + (line << 2) + (second << 2))
  if (bits == 8)
    addCodes8(
      codes,
      stride,
      steps,
      columns,
      second == 1,
      x0,
      x1,
      load<f32>(factors + (line << 2)),
      load<f32>(factors + (line << 2) + (second << 2)),
      b0,
      b1,
      o0,
      o1,
    )
  else
    addNarrowCodes(
      bits == 4,
      codes,
      stride,
      steps,
      columns,
      second == 1,
      x0,
      x1,
      x0 + codeBytes(count),
      x1 + codeBytes(count),
      b0,
      b1,
      o0,
      o1,
    )
}

function addCodes8(
  codes: usize,
  stride: usize,
  steps: u32,
  columns: u32,
  isPair: bool,
  x0: usize,
  x1: usize,
  f0: f32,
  f1: f32,
  b0: f32,
  b1: f32,
  o0: usize,
  o1: usize,
): void {
  let at: usize = 0
  const end = (<usize>columns) << 2
  if (isPair)
    for (; at + 32 <= end; at += 32) pairCodes8(codes + at, stride, steps, x0, x1, f0, f1, b0, b1, o0 + at, o1 + at)
  else for (; at + 64 <= end; at += 64) lineCodes8(codes + at, stride, steps, x0, f0, b0, o0 + at)
  for (; at < end; at += 16) {
    fourCodes8(codes + at, stride, steps, x0, f0, b0, o0 + at)
    if (isPair) fourCodes8(codes + at, stride, steps, x1, f1, b1, o1 + at)
  }
}

function addNarrowCodes(
  is4: bool,
  codes: usize,
  stride: usize,
  steps: u32,
  columns: u32,
  isPair: bool,
  x0: usize,
  x1: usize,
  f0: usize,
  f1: usize,
  b0: f32,
  b1: f32,
  o0: usize,
  o1: usize,
): void {
  let at: usize = 0
  const end = (<usize>columns) << 2
  if (isPair) {
    for (; at + 64 <= end; at += 64) {
      if (is4) pairCodes4(codes + at, stride, steps, x0, x1, f0, f1, b0, b1, o0 + at, o1 + at)
      else pairCodes2(codes + at, stride, steps, x0, x1, f0, f1, b0, b1, o0 + at, o1 + at)
    }
  } else {
    for (; at + 128 <= end; at += 128) {
      if (is4) lineCodes4(codes + at, stride, steps, x0, f0, b0, o0 + at)
      else lineCodes2(codes + at, stride, steps, x0, f0, b0, o0 + at)
    }
  }
  for (; at < end; at += 16) {
    fourCodes(is4 ? 4 : 2, codes + at, stride, steps, x0, f0, b0, o0 + at)
    if (isPair) fourCodes(is4 ? 4 : 2, codes + at, stride, steps, x1, f1, b1, o1 + at)
  }
}

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
