import { argument } from '@tessera-llm/wasm/assembly/lib'
import {
  BLOCK_TABLE,
  DOT_ADD,
  HEAD_DIM,
  INT4,
  INT8,
  K,
  keyAddress,
  ROWS,
  scaleOf,
  STRIDE_K,
  STRIDE_V,
  V,
} from '../call'
import { clear, queryOf } from '../decode/lines'
import { lineScoresF16, lineScoresF32, pairScoresF16, pairScoresF32 } from '../decode/score-tiles'
import { KEYS_AT_ONCE, SPLIT } from '../decode/splits'
import { layRows } from '../tiles'
import { lineScoresI8, pairScoresI8 } from './int8-tiles'
import { AHEAD_BYTES, beginAhead, touchSome } from './ahead'
import { aheadAt, numbersBytes, roundedBytes } from './memory'
import { addLines, roundLines } from './products'
import { roundPairs } from './rounding'
import { bitsOf, decodeKeys, GROUP, groupAddress, groupBytes, groupedEnd, recentAddress, storageOf } from './storage'

// Scores of a split over packed keys. Lines order by query head of the group, then row. Queries are rounded to 16 bits
// and multiplied with the codes as integers.

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
  const queries = memory0
  const rounded = queries + ((<usize>lines * width) << 2)
  const each = roundedBytes(args)
  const factors = rounded + lines * each
  const bases = factors + (lines << 2)
  const scaled = bases + (lines << 2)
  const ahead = aheadAt(scaled, args)
  const decoded = ahead + AHEAD_BYTES
  beginAhead(args, V, batch, kvHead, start, start + count, 20, ahead)
  const grouped = groupedEnd(args, K, batch)
  const padded = (width + 7) & ~7
  const stride: usize = storage >= INT4 ? (<usize>width) << 1 : argument(args, STRIDE_K + 2)
  if (storage == INT8) {
    for (let line: u32 = 0; line < lines; line++) {
      memory.fill(scaled, 0, padded << 2)
      memory.copy(scaled, queryOf(args, batch, kvHead, group, line), width << 2)
      store<f32>(factors + (line << 2), scale * roundPairs(scaled, padded, rounded + line * each))
    }
  }
  if (start < grouped)
    for (let line: u32 = 0; line < lines; line++)
      layRows(
        2,
        scale,
        queryOf(args, batch, kvHead, group, line),
        0,
        1,
        width,
        queries + ((<usize>line * width) << 2),
        0,
      )
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
          lines,
          scores + (from << 2),
          queries,
          rounded,
          factors,
          bases,
          scaled,
          ahead,
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
      const q0 = queryOf(args, batch, kvHead, group, line)
      const q1 = isPair ? queryOf(args, batch, kvHead, group, line + 1) : q0
      if (storage >= INT4) {
        if (isPair) pairScoresF16(q0, q1, keysAt, stride, some, width, scale, s0, s1)
        else lineScoresF16(q0, keysAt, stride, some, width, scale, s0)
      } else if (isPair) pairScoresF32(q0, q1, keysAt, (<usize>width) << 2, some, width, scale, s0, s1)
      else lineScoresF32(q0, keysAt, (<usize>width) << 2, some, width, scale, s0)
    }
  }
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
  lines: u32,
  scores: usize,
  queries: usize,
  rounded: usize,
  factors: usize,
  bases: usize,
  scaled: usize,
  ahead: usize,
): void {
  const width = argument(args, HEAD_DIM)
  const bits = bitsOf(storageOf(args, K))
  const dotAdd = argument(args, DOT_ADD)
  const each = roundedBytes(args)
  const codes = groupAddress(args, K, batch, kvHead, key)
  touchSome(ahead)
  const words = codes + ((width * bits) << 2)
  const step = (<usize>width) << 2
  roundLines(
    words,
    width,
    queries,
    step,
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
  for (let line: u32 = 0; line < lines; line++) clear(scores + <usize>line * (SPLIT << 2), (<usize>GROUP) << 2)
  for (let column = 0; column < GROUP; column += 8) {
    touchSome(ahead)
    const at: usize = (<usize>column) << 2
    addLines(
      bits,
      dotAdd,
      codes + at,
      GROUP << 2,
      width,
      8,
      lines,
      rounded,
      each,
      factors,
      bases,
      scores + at,
      SPLIT << 2,
    )
  }
}
