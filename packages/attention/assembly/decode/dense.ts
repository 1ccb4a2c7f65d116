import { argument } from '@tessera-llm/wasm/assembly/lib'
import {
  BLOCK_TABLE,
  elementShift,
  HEAD_DIM,
  K,
  K_STORAGE,
  keyAddress,
  ROWS,
  scaleOf,
  STRIDE_K,
  STRIDE_V,
  V,
  V_STORAGE,
  VALUE_DIM,
} from '../call'
import { linesTogether, queryOf, together } from './lines'
import { QUERY_FACTOR, scoreFactor } from './raw-halves'
import { quadScoresF16, tripleScoresF16 } from './score-columns'
import { layQuery, quadScoresF32 } from './score-quads'
import { lineScoresF16, lineScoresF32, pairScoresF16, pairScoresF32, tripleScoresF32 } from './score-tiles'
import { KEYS_AT_ONCE, SPLIT } from './splits'
import { touchQuarters } from './touch'
import { quadValuesF16, quadValuesF32, tripleValuesF16, tripleValuesF32 } from './value-quads'
import { lineValuesF16, lineValuesF32, pairValuesF16, pairValuesF32 } from './value-tiles'

// Scores and values of a split whose keys and values are f32 or f16.

/**
 * scores[line][i] = scale · q · k. Multiplies a few keys with all lines while they are in the first-level cache.
 * `scaled` has room for the queries of all lines, and behind them, for f16 keys, for 64 bytes a key of the split.
 */
export function scoreDense(
  args: usize,
  batch: u32,
  kvHead: u32,
  start: i32,
  count: i32,
  group: u32,
  scores: usize,
  out: usize,
  scaled: usize,
): void {
  const headDim = argument(args, HEAD_DIM)
  const lines = group * argument(args, ROWS)
  const scale = scaleOf(args)
  const shiftK = elementShift(args, K_STORAGE)
  const strideK: usize = (<usize>argument(args, STRIDE_K + 2)) << shiftK
  const touched = keysTouched(args, strideK)
  const many = linesTogether(lines, headDim)
  const queryBytes = (<usize>headDim) << 2
  const sums = scaled + lines * queryBytes
  const factor = scoreFactor(scale, shiftK)
  for (let line: u32 = 0, some: u32 = 0; line < many; line += some) {
    some = together(many - line)
    for (let i: u32 = 0; i < some; i++)
      layQuery(
        queryOf(args, batch, kvHead, group, line + i),
        headDim,
        shiftK == 1 ? QUERY_FACTOR : 1,
        scaled + line * queryBytes,
        i,
        some,
      )
  }
  for (let from = 0; from < count; from += touched) {
    const some = min(touched, count - from)
    const keysAt = keyAddress(args, K, STRIDE_K, batch, kvHead, start + from, shiftK)
    if (strideK == (<usize>headDim) << shiftK) touchQuarters(keysAt, <usize>some * strideK, out)
    let line: u32 = 0
    for (let next: u32 = 0; line < many; line += next) {
      const q = scaled + line * queryBytes
      const s0 = scores + ((<usize>line * SPLIT + from) << 2)
      next = together(many - line)
      if (next == 4) {
        if (shiftK == 1) quadScoresF16(q, keysAt, strideK, some, headDim, factor, s0, sums)
        else quadScoresF32(q, keysAt, strideK, some, headDim, factor, s0)
      } else if (shiftK == 1) tripleScoresF16(q, keysAt, strideK, some, headDim, factor, s0, sums)
      else
        tripleScoresF32(
          queryOf(args, batch, kvHead, group, line),
          queryOf(args, batch, kvHead, group, line + 1),
          queryOf(args, batch, kvHead, group, line + 2),
          keysAt,
          strideK,
          some,
          headDim,
          scale,
          s0,
        )
    }
    for (; line < lines; line += 2) {
      const q0 = queryOf(args, batch, kvHead, group, line)
      const s0 = scores + ((<usize>line * SPLIT + from) << 2)
      if (line + 1 == lines) {
        if (shiftK == 2) lineScoresF32(q0, keysAt, strideK, some, headDim, scale, s0)
        else lineScoresF16(q0, keysAt, strideK, some, headDim, scale, s0)
        continue
      }
      const q1 = queryOf(args, batch, kvHead, group, line + 1)
      if (shiftK == 2) pairScoresF32(q0, q1, keysAt, strideK, some, headDim, scale, s0, s0 + (SPLIT << 2))
      else pairScoresF16(q0, q1, keysAt, strideK, some, headDim, scale, s0, s0 + (SPLIT << 2))
    }
  }
}

/**
 * Keys touched before they are multiplied with all lines: at most 16 kB of rows that lie together. For f16 rows of 64
 * channels, 16 keys are half a page, too short for the hardware prefetcher.
 */
function keysTouched(args: usize, stride: usize): i32 {
  if (argument(args, BLOCK_TABLE) != 0 || stride > 512) return KEYS_AT_ONCE
  return stride > 256 ? SPLIT / 4 : stride > 128 ? SPLIT / 2 : SPLIT
}

/** partial[line] += Σ weights · v over keys `skip` … `until` − 1 of the split. */
export function weighDense(
  args: usize,
  batch: u32,
  kvHead: u32,
  start: i32,
  skip: i32,
  until: i32,
  lines: u32,
  scores: usize,
  partial: usize,
  bytes: usize,
): void {
  const valueDim = argument(args, VALUE_DIM)
  const shiftV = elementShift(args, V_STORAGE)
  const strideV: usize = (<usize>argument(args, STRIDE_V + 2)) << shiftV
  const many = linesTogether(lines, valueDim)
  const touched = keysTouched(args, strideV)
  for (let from = skip, last = 0; from < until; from = last) {
    last = min((from + touched) & ~(touched - 1), until)
    // Virtual address of row 0 of the split, as if the whole split were contiguous with this part.
    const v = keyAddress(args, V, STRIDE_V, batch, kvHead, start + from, shiftV) - <usize>from * strideV
    if (strideV == (<usize>valueDim) << shiftV)
      touchQuarters(v + <usize>from * strideV, <usize>(last - from) * strideV, partial + ((<usize>valueDim) << 2) + 8)
    let line: u32 = 0
    for (let next: u32 = 0; line < many; line += next) {
      const p0 = scores + ((<usize>line * SPLIT) << 2)
      const o0 = partial + line * bytes
      next = together(many - line)
      if (next == 4) {
        if (shiftV == 1) quadValuesF16(p0, v, strideV, from, last, valueDim, o0, bytes)
        else quadValuesF32(p0, v, strideV, from, last, valueDim, o0, bytes)
      } else if (shiftV == 1) tripleValuesF16(p0, v, strideV, from, last, valueDim, o0, bytes)
      else tripleValuesF32(p0, v, strideV, from, last, valueDim, o0, bytes)
    }
    for (; line < lines; line += 2) {
      const p0 = scores + ((<usize>line * SPLIT) << 2)
      const o0 = partial + line * bytes
      if (line + 1 == lines) {
        if (shiftV == 2) lineValuesF32(p0, v, strideV, from, last, valueDim, o0)
        else lineValuesF16(p0, v, strideV, from, last, valueDim, o0)
      } else if (shiftV == 2) pairValuesF32(p0, p0 + (SPLIT << 2), v, strideV, from, last, valueDim, o0, o0 + bytes)
      else pairValuesF16(p0, p0 + (SPLIT << 2), v, strideV, from, last, valueDim, o0, o0 + bytes)
    }
  }
}
