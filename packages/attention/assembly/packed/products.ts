import { linesByThrees } from '../decode/lines'
import { fourCodes, fourCodes8, lineCodes8, pairCodes8, tripleCodes8 } from './group-tiles'
import { lineCodes2, lineCodes4, pairCodes2, pairCodes4 } from './narrow-tiles'
import { tripleCodes2, tripleCodes4 } from './narrow-triples'
import { roundBlock, roundPairs, scaleBy } from './rounding'

// Products of rounded lines with codes in groups: picks the tile for the width of the codes and the number of lines.

/**
 * Rounds `width` elements x of a line, scaled, for products with codes in groups. Returns what a column adds to the sum
 * of products: Σ x · minima. For 8 bits, the line's one factor goes to `factor`; otherwise a factor per 32 elements
 * follows them, at `codeBytes`.
 */
export function roundLine(
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

/** out += codes · x for all lines, over `columns` columns (a multiple of 4) of `count` codes each. */
export function addLines(
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
