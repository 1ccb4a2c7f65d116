import { gather } from './rows8/embedding'
import { Q4_0, Q4_1, Q4_K, Q5_0, Q5_1, Q5_K, Q6_K, Q8_0 } from './rows8/layout'
import { exactProduct, gemmInt8, gemvInt8, quantizeTokens } from './rows8/linear'

export { layTokens } from '@tessera-llm/kernels/assembly/linear/linear'
export { panelRow, panelTile } from '@tessera-llm/kernels/assembly/linear/panel'
export { tile_q4_0, tile_q4_1, tile_q4_k, tile_q5_0, tile_q5_1, tile_q5_k, tile_q6_k, tile_q8_0 } from './rows8/gemm-tiles'

// One entry for each step and kind: the bodies are specialised by inlining.

export function gemv_q4_0(args: usize, thread: u32, threads: u32): void {
  gemvInt8(Q4_0, args, thread, threads)
}
export function gemv_q4_1(args: usize, thread: u32, threads: u32): void {
  gemvInt8(Q4_1, args, thread, threads)
}
export function gemv_q5_0(args: usize, thread: u32, threads: u32): void {
  gemvInt8(Q5_0, args, thread, threads)
}
export function gemv_q5_1(args: usize, thread: u32, threads: u32): void {
  gemvInt8(Q5_1, args, thread, threads)
}
export function gemv_q8_0(args: usize, thread: u32, threads: u32): void {
  gemvInt8(Q8_0, args, thread, threads)
}
export function gemv_q4_k(args: usize, thread: u32, threads: u32): void {
  gemvInt8(Q4_K, args, thread, threads)
}
export function gemv_q5_k(args: usize, thread: u32, threads: u32): void {
  gemvInt8(Q5_K, args, thread, threads)
}
export function gemv_q6_k(args: usize, thread: u32, threads: u32): void {
  gemvInt8(Q6_K, args, thread, threads)
}
export function quantize_q4_0(args: usize, thread: u32, threads: u32): void {
  quantizeTokens(Q4_0, args, thread, threads)
}
export function quantize_q4_1(args: usize, thread: u32, threads: u32): void {
  quantizeTokens(Q4_1, args, thread, threads)
}
export function quantize_q5_0(args: usize, thread: u32, threads: u32): void {
  quantizeTokens(Q5_0, args, thread, threads)
}
export function quantize_q5_1(args: usize, thread: u32, threads: u32): void {
  quantizeTokens(Q5_1, args, thread, threads)
}
export function quantize_q8_0(args: usize, thread: u32, threads: u32): void {
  quantizeTokens(Q8_0, args, thread, threads)
}
export function quantize_q4_k(args: usize, thread: u32, threads: u32): void {
  quantizeTokens(Q4_K, args, thread, threads)
}
export function quantize_q5_k(args: usize, thread: u32, threads: u32): void {
  quantizeTokens(Q5_K, args, thread, threads)
}
export function quantize_q6_k(args: usize, thread: u32, threads: u32): void {
  quantizeTokens(Q6_K, args, thread, threads)
}
export function gemm_q4_0(args: usize, thread: u32, threads: u32): void {
  gemmInt8(Q4_0, args, thread, threads)
}
export function gemm_q4_1(args: usize, thread: u32, threads: u32): void {
  gemmInt8(Q4_1, args, thread, threads)
}
export function gemm_q5_0(args: usize, thread: u32, threads: u32): void {
  gemmInt8(Q5_0, args, thread, threads)
}
export function gemm_q5_1(args: usize, thread: u32, threads: u32): void {
  gemmInt8(Q5_1, args, thread, threads)
}
export function gemm_q8_0(args: usize, thread: u32, threads: u32): void {
  gemmInt8(Q8_0, args, thread, threads)
}
export function gemm_q4_k(args: usize, thread: u32, threads: u32): void {
  gemmInt8(Q4_K, args, thread, threads)
}
export function gemm_q5_k(args: usize, thread: u32, threads: u32): void {
  gemmInt8(Q5_K, args, thread, threads)
}
export function gemm_q6_k(args: usize, thread: u32, threads: u32): void {
  gemmInt8(Q6_K, args, thread, threads)
}
export function exact_q4_0(args: usize, thread: u32, threads: u32): void {
  exactProduct(Q4_0, args, thread, threads)
}
export function exact_q4_1(args: usize, thread: u32, threads: u32): void {
  exactProduct(Q4_1, args, thread, threads)
}
export function exact_q5_0(args: usize, thread: u32, threads: u32): void {
  exactProduct(Q5_0, args, thread, threads)
}
export function exact_q5_1(args: usize, thread: u32, threads: u32): void {
  exactProduct(Q5_1, args, thread, threads)
}
export function exact_q8_0(args: usize, thread: u32, threads: u32): void {
  exactProduct(Q8_0, args, thread, threads)
}
export function exact_q4_k(args: usize, thread: u32, threads: u32): void {
  exactProduct(Q4_K, args, thread, threads)
}
export function exact_q5_k(args: usize, thread: u32, threads: u32): void {
  exactProduct(Q5_K, args, thread, threads)
}
export function exact_q6_k(args: usize, thread: u32, threads: u32): void {
  exactProduct(Q6_K, args, thread, threads)
}
export function gather_q4_0(args: usize, thread: u32, threads: u32): void {
  gather(Q4_0, args, thread, threads)
}
export function gather_q4_1(args: usize, thread: u32, threads: u32): void {
  gather(Q4_1, args, thread, threads)
}
export function gather_q5_0(args: usize, thread: u32, threads: u32): void {
  gather(Q5_0, args, thread, threads)
}
export function gather_q5_1(args: usize, thread: u32, threads: u32): void {
  gather(Q5_1, args, thread, threads)
}
export function gather_q8_0(args: usize, thread: u32, threads: u32): void {
  gather(Q8_0, args, thread, threads)
}
export function gather_q4_k(args: usize, thread: u32, threads: u32): void {
  gather(Q4_K, args, thread, threads)
}
export function gather_q5_k(args: usize, thread: u32, threads: u32): void {
  gather(Q5_K, args, thread, threads)
}
export function gather_q6_k(args: usize, thread: u32, threads: u32): void {
  gather(Q6_K, args, thread, threads)
}
