import { argument } from '@tessera-llm/wasm/assembly/lib'

// Arguments of y = x · weightᵀ + bias + residual, and the scratch of its threads.

/** Words of every argument block. */
export const X: u32 = 0
export const WEIGHT: u32 = 1
export const BIAS: u32 = 2
export const RESIDUAL: u32 = 3
export const Y: u32 = 4
export const TOKENS: u32 = 5
export const ROWS: u32 = 6
export const COLUMNS: u32 = 7
/** Scratch memory of all threads, its bytes per thread, and the int8 records or f32 quads of tokens that all share. */
export const SCRATCH: u32 = 8
export const SCRATCH_BYTES: u32 = 9
export const RECORDS: u32 = 10
/**
 * Argument words: rounding of activations (see `activations.ts`); the given scale, if any; 128 for signed codes, or
 * levels, and a dot product that takes unsigned ones, else 0; and the weight's layout.
 */
export const ROUNDING: u32 = 11
export const INPUT_SCALE: u32 = 12
export const SHIFT: u32 = 13
export const LAYOUT: u32 = 14

/**
 * Scratch of a thread: the results of a tile, at TAIL the padded last columns of a row (in stages that have no tile:
 * one of six tokens is longer), from REST on the memory of each kernel.
 */
export const TAIL: usize = 128
export const REST: usize = 256

@inline
export function blocksOf(args: usize): i32 {
  return <i32>((argument(args, COLUMNS) + 31) >> 5)
}

@inline
export function layoutOf(args: usize): usize {
  return args + (LAYOUT << 2)
}
