// Nearest codes and values of a grid, 4 rows in a vector.
import { least, most, splat } from './lanes'

@inline
export function integerCode(value: v128, inverse: v128, zero: v128, last: v128): v128 {
  return most(least(f32x4.add(f32x4.nearest(f32x4.mul(value, inverse)), zero), last), f32x4.splat(0))
}

/** The index of the nearest value of a rising table: how many middles between neighbours lie below. */
@inline
export function tableCode(value: v128, inverse: v128, middles: usize, end: usize): v128 {
  const scaled = f32x4.mul(value, inverse)
  let count = i32x4.splat(0)
  for (let at = middles; at < end; at += 4) count = i32x4.sub(count, f32x4.gt(scaled, splat(at)))
  return count
}

/** The nearest value of a rising table. */
@inline
export function tableValue(value: v128, inverse: v128, table: usize, middles: usize, end: usize): v128 {
  const scaled = f32x4.mul(value, inverse)
  let found = splat(table)
  for (let at = middles; at < end; at += 4)
    found = v128.bitselect(splat(table + 4 + (at - middles)), found, f32x4.gt(scaled, splat(at)))
  return found
}
