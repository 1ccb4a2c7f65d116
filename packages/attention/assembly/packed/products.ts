import { BYTE_SIGNS, NO_BITS } from '@tessera-llm/wasm/assembly/lib'
import { linesByThrees } from '../decode/lines'
import {
  oneBytes2,
  oneBytes4,
  oneBytes8,
  threeBytes2,
  threeBytes4,
  threeBytes8,
  twoBytes2,
  twoBytes4,
  twoBytes8,
} from './byte-tiles'
import { foldOne, foldThree } from './fold'
import { fourCodes8, lineCodes8, pairCodes8, tripleCodes8 } from './group-tiles'
import { oneNarrow2, oneNarrow4, threeNarrow2, threeNarrow4, twoNarrow2, twoNarrow4 } from './narrow-tiles'
import { roundLine, sumOfBytes } from './rounding'

// Products of lines with codes in groups: rounds the lines, and picks the tile for the width of the codes and the number
// of lines.

/** How products of bytes that add to 32 bits take bytes, by the argument `DOT_ADD`. */
export const NO_BYTES: u32 = 0
export const UNSIGNED_BYTES: u32 = 1

/**
 * Folds the parameters `words` of a group into lines of `count` numbers, `step` bytes apart from `x` on, and rounds
 * them for products with its codes. Stores each line's factor, and in `bases` what a column adds to the sum of products.
 * `scaled` has room for three lines, `scaledStep` bytes apart.
 */
export function roundLines(
  words: usize,
  count: u32,
  x: usize,
  step: usize,
  lines: u32,
  bits: u32,
  dotAdd: u32,
  rounded: usize,
  each: usize,
  factors: usize,
  bases: usize,
  scaled: usize,
  scaledStep: usize,
): void {
  for (let line: u32 = 0; line < lines; line += 3, x += 3 * step, factors += 12, bases += 12) {
    const some = min<u32>(lines - line, 3)
    if (some == 1) foldOne(words, count, x, scaled, factors, bases)
    else foldThree(words, count, x, step, some == 3 ? step << 1 : step, scaled, scaledStep, factors, bases)
    for (let i: u32 = 0; i < some; i++, rounded += each) {
      const at = (<usize>i) << 2
      roundLine(scaled + i * scaledStep, count, bits, dotAdd != NO_BYTES, rounded, factors + at)
      // Signed codes are 128 less.
      if (dotAdd > UNSIGNED_BYTES && bits == 8)
        store<f32>(bases + at, load<f32>(bases + at) + load<f32>(factors + at) * 128 * <f32>sumOfBytes(rounded, count))
    }
  }
}

/** out += codes · x for all lines, over `columns` columns (a multiple of 4) of `count` codes each. */
export function addLines(
  bits: u32,
  dotAdd: u32,
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
  const steps = (count * bits) / 32
  const flip: u32 = dotAdd > UNSIGNED_BYTES ? BYTE_SIGNS : NO_BITS
  let some: u32 = 0
  for (let line: u32 = 0; line < lines; line += some) {
    const x = rounded + line * each
    const f = factors + (line << 2)
    const b = bases + (line << 2)
    const to = out + line * outStride
    some = line < triples ? 3 : min<u32>(lines - line, 2)
    if (dotAdd != NO_BYTES) {
      if (bits == 8) {
        if (some == 3) threeBytes8(codes, stride, steps, columns, x, each, f, b, to, outStride, flip)
        else if (some == 2) twoBytes8(codes, stride, steps, columns, x, each, f, b, to, outStride, flip)
        else oneBytes8(codes, stride, steps, columns, x, each, f, b, to, outStride, flip)
      } else if (bits == 4) {
        if (some == 3) threeBytes4(codes, stride, steps, columns, x, each, f, b, to, outStride)
        else if (some == 2) twoBytes4(codes, stride, steps, columns, x, each, f, b, to, outStride)
        else oneBytes4(codes, stride, steps, columns, x, each, f, b, to, outStride)
      } else if (some == 3) threeBytes2(codes, stride, steps, columns, x, each, f, b, to, outStride)
      else if (some == 2) twoBytes2(codes, stride, steps, columns, x, each, f, b, to, outStride)
      else oneBytes2(codes, stride, steps, columns, x, each, f, b, to, outStride)
    } else if (bits == 8) addCodes8(codes, stride, steps, columns, some, x, each, f, b, to, outStride)
    else if (bits == 4) {
      if (some == 3) threeNarrow4(codes, stride, steps, columns, x, each, f, b, to, outStride)
      else if (some == 2) twoNarrow4(codes, stride, steps, columns, x, each, f, b, to, outStride)
      else oneNarrow4(codes, stride, steps, columns, x, each, f, b, to, outStride)
    } else if (some == 3) threeNarrow2(codes, stride, steps, columns, x, each, f, b, to, outStride)
    else if (some == 2) twoNarrow2(codes, stride, steps, columns, x, each, f, b, to, outStride)
    else oneNarrow2(codes, stride, steps, columns, x, each, f, b, to, outStride)
  }
}

/** `addLines` for codes of 8 bits and up to three lines, by products of 16 bits. */
function addCodes8(
  codes: usize,
  stride: usize,
  steps: u32,
  columns: u32,
  lines: u32,
  x: usize,
  each: usize,
  factors: usize,
  bases: usize,
  out: usize,
  outStride: usize,
): void {
  let at: usize = 0
  const end = (<usize>columns) << 2
  if (lines == 3) {
    for (; at < end; at += 16) tripleCodes8(codes + at, stride, steps, x, each, factors, bases, out + at, outStride)
    return
  }
  const f0 = load<f32>(factors)
  const b0 = load<f32>(bases)
  if (lines == 1) {
    for (; at + 64 <= end; at += 64) lineCodes8(codes + at, stride, steps, x, f0, b0, out + at)
    for (; at < end; at += 16) fourCodes8(codes + at, stride, steps, x, f0, b0, out + at)
    return
  }
  const f1 = load<f32>(factors, 4)
  const b1 = load<f32>(bases, 4)
  const o1 = out + outStride
  for (; at + 32 <= end; at += 32) pairCodes8(codes + at, stride, steps, x, x + each, f0, f1, b0, b1, out + at, o1 + at)
  for (; at < end; at += 16) {
    fourCodes8(codes + at, stride, steps, x, f0, b0, out + at)
    fourCodes8(codes + at, stride, steps, x + each, f1, b1, o1 + at)
  }
}
