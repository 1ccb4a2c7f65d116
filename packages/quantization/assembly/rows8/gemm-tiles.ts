import { gemmTile } from './gemm-int8'
import { Q4_0, Q4_1, Q4_K, Q5_0, Q5_1, Q5_K, Q6_K, Q8_0 } from './layout'

// The tiles of each kind as functions of their own, exported so that they stay it: engines allocate registers for one function at
// a time, and the inner loops need all of them.

export function tile_q4_0(panel: usize, x: usize, blocks: i32, out: usize): void {
  gemmTile(Q4_0, panel, x, blocks, out)
}
export function tile_q4_1(panel: usize, x: usize, blocks: i32, out: usize): void {
  gemmTile(Q4_1, panel, x, blocks, out)
}
export function tile_q5_0(panel: usize, x: usize, blocks: i32, out: usize): void {
  gemmTile(Q5_0, panel, x, blocks, out)
}
export function tile_q5_1(panel: usize, x: usize, blocks: i32, out: usize): void {
  gemmTile(Q5_1, panel, x, blocks, out)
}
export function tile_q8_0(panel: usize, x: usize, blocks: i32, out: usize): void {
  gemmTile(Q8_0, panel, x, blocks, out)
}
export function tile_q4_k(panel: usize, x: usize, blocks: i32, out: usize): void {
  gemmTile(Q4_K, panel, x, blocks, out)
}
export function tile_q5_k(panel: usize, x: usize, blocks: i32, out: usize): void {
  gemmTile(Q5_K, panel, x, blocks, out)
}
export function tile_q6_k(panel: usize, x: usize, blocks: i32, out: usize): void {
  gemmTile(Q6_K, panel, x, blocks, out)
}

/** out[4][8] = four tokens times the panel of a group. */
@inline export function tile(kind: i32, panel: usize, x: usize, blocks: i32, out: usize): void {
  if (kind == Q4_0) tile_q4_0(panel, x, blocks, out)
  else if (kind == Q4_1) tile_q4_1(panel, x, blocks, out)
  else if (kind == Q5_0) tile_q5_0(panel, x, blocks, out)
  else if (kind == Q5_1) tile_q5_1(panel, x, blocks, out)
  else if (kind == Q8_0) tile_q8_0(panel, x, blocks, out)
  else if (kind == Q4_K) tile_q4_k(panel, x, blocks, out)
  else if (kind == Q5_K) tile_q5_k(panel, x, blocks, out)
  else tile_q6_k(panel, x, blocks, out)
}
