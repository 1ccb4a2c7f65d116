import { exp4, halfToFloat, loadHalf4, madd, maxLanes, sumLanes, tanh4 } from '@tessera-llm/wasm/assembly/lib'
import { HIDDEN } from './call'

/** Loads four elements of a row stored as f32 (shift 2) or f16 (shift 1). */
@inline
export function load4(row: usize, index: u32, shift: u32): v128 {
  return shift == 2 ? v128.load(row + ((<usize>index) << 2)) : loadHalf4(row + ((<usize>index) << 1))
}

@inline
export function load1(row: usize, index: u32, shift: u32): f32 {
  return shift == 2 ? load<f32>(row + ((<usize>index) << 2)) : halfToFloat(load<u16>(row + ((<usize>index) << 1)))
}

/** Σ q·k over `width` elements; q is f32. */
export function dotRow(q: usize, k: usize, width: u32, shift: u32): f32 {
  let a = f32x4.splat(0)
  let b = a
  let i: u32 = 0
  for (; i + 8 <= width; i += 8) {
    a = madd(v128.load(q + ((<usize>i) << 2)), load4(k, i, shift), a)
    b = madd(v128.load(q + ((<usize>i) << 2), 16), load4(k, i + 4, shift), b)
  }
  let sum = sumLanes(f32x4.add(a, b))
  for (; i < width; i++) sum += load<f32>(q + ((<usize>i) << 2)) * load1(k, i, shift)
  return sum
}

/** to += weight · v over `width` elements. */
export function addWeighted(to: usize, weight: f32, v: usize, width: u32, shift: u32): void {
  const w = f32x4.splat(weight)
  let i: u32 = 0
  for (; i + 4 <= width; i += 4)
    v128.store(to + ((<usize>i) << 2), madd(w, load4(v, i, shift), v128.load(to + ((<usize>i) << 2))))
  for (; i < width; i++)
    store<f32>(to + ((<usize>i) << 2), load<f32>(to + ((<usize>i) << 2)) + weight * load1(v, i, shift))
}

/** to *= factor over `width` f32. */
export function scaleRow(to: usize, factor: f32, width: u32): void {
  const f = f32x4.splat(factor)
  let i: u32 = 0
  for (; i + 4 <= width; i += 4) v128.store(to + ((<usize>i) << 2), f32x4.mul(f, v128.load(to + ((<usize>i) << 2))))
  for (; i < width; i++) store<f32>(to + ((<usize>i) << 2), factor * load<f32>(to + ((<usize>i) << 2)))
}

/**
 * Finishes the raw scores of keys `start` … `start + count − 1` of a row in place: softcap, ALiBi, bias, mask, and
 * HIDDEN outside `first` … `end` − 1. `count` is a multiple of 4. Returns the largest.
 */
export function finishScores(
  scores: usize,
  start: i32,
  count: i32,
  first: i32,
  end: i32,
  position: i32,
  softcap: f32,
  slope: f32,
  bias: usize,
  mask: usize,
): f32 {
  if (softcap > 0) {
    const cap = f32x4.splat(softcap)
    const inverse = f32x4.splat(1 / softcap)
    for (let i = 0; i < count; i += 4)
      v128.store(scores + (i << 2), f32x4.mul(cap, tanh4(f32x4.mul(v128.load(scores + (i << 2)), inverse))))
  }
  if (slope != 0) {
    for (let i = 0; i < count; i++)
      store<f32>(scores + (i << 2), load<f32>(scores + (i << 2)) - slope * <f32>abs(position - start - i))
  }
  if (bias != 0 || mask != 0) {
    const last = min(end - start, count)
    for (let i = max(first - start, 0); i < last; i++) {
      const added = bias == 0 ? <f32>0 : load<f32>(bias + ((start + i) << 2))
      const hidden = added <= <f32>-1e38 || (mask != 0 && load<u8>(mask + start + i) == 0)
      store<f32>(scores + (i << 2), hidden ? HIDDEN : load<f32>(scores + (i << 2)) + added)
    }
  }
  let largest = f32x4.splat(HIDDEN)
  const hidden = largest
  if (first <= start && end >= start + count) {
    // Two independent maxima at a time: one would serialize on its own latency.
    let other = hidden
    let i = 0
    for (; i + 8 <= count; i += 8) {
      largest = f32x4.pmax(largest, v128.load(scores + (i << 2)))
      other = f32x4.pmax(other, v128.load(scores + (i << 2), 16))
    }
    if (i < count) largest = f32x4.pmax(largest, v128.load(scores + (i << 2)))
    return maxLanes(f32x4.pmax(largest, other))
  }
  const firsts = i32x4.splat(first)
  const ends = i32x4.splat(end)
  const step = i32x4.splat(4)
  let keys = i32x4.add(i32x4.splat(start), i32x4(0, 1, 2, 3))
  for (let i = 0; i < count; i += 4) {
    const visible = v128.and(i32x4.ge_s(keys, firsts), i32x4.lt_s(keys, ends))
    const value = v128.bitselect(v128.load(scores + (i << 2)), hidden, visible)
    v128.store(scores + (i << 2), value)
    largest = f32x4.pmax(largest, value)
    keys = i32x4.add(keys, step)
  }
  return maxLanes(largest)
}

/**
 * Replaces scores by e^(score − max) and returns their sum; `count` is a multiple of 4. Hidden scores become exactly 0.
 */
export function exponentiate(scores: usize, count: i32, max: f32): f32 {
  const m = f32x4.splat(max)
  let sum = f32x4.splat(0)
  for (let i = 0; i < count; i += 4) {
    const p = exp4(f32x4.sub(v128.load(scores + (i << 2)), m))
    v128.store(scores + (i << 2), p)
    sum = f32x4.add(sum, p)
  }
  return sumLanes(sum)
}
