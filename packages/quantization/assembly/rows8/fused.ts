import { GELU_TANH, SILU } from '@tessera-llm/kernels/assembly/functions'
import { gated } from '@tessera-llm/kernels/assembly/gated-activation'
import { argument, floatArgument, normaliseRow, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { COLUMNS, ROWS, SCRATCH, SCRATCH_BYTES, X, Y } from './linear/arguments'
import { isWideFor, tokenProduct, zeroFor } from './linear/one-token'

// One token, int8 activations: several products of one x in one stage, and the norm before them. Each thread normalises
// and rounds x for itself, takes its share of the groups of each product, and finishes the rows of its share.

/**
 * Words before the argument blocks of the products: weight of the norm (0 for none), eps f32, unit offset f32, offset
 * of the normalised x in a thread's scratch, words of a block.
 */
const NORM: u32 = 0
const EPS: u32 = 1
const UNIT: u32 = 2
const NORMED: u32 = 3
const STRIDE: u32 = 4
const FUNCTION: u32 = 5
const BLOCKS: u32 = 6

@inline
function blockOf(args: usize, index: u32): usize {
  return args + ((BLOCKS + index * argument(args, STRIDE)) << 2)
}

/** q, k and v. */
export function qkvInt8(args: usize, thread: u32, threads: u32): void {
  products(args, 3, false, thread, threads)
}
export function qkvDotAdd(args: usize, thread: u32, threads: u32): void {
  products(args, 3, true, thread, threads)
}

/**
 * f(gate) · up for the functions of gated MLPs, SiLU and GELU with tanh: the second product lies in scratch memory,
 * each row where its share computes it.
 */
export function gatedInt8(args: usize, thread: u32, threads: u32): void {
  gatedProduct(args, false, thread, threads)
}
export function gatedDotAdd(args: usize, thread: u32, threads: u32): void {
  gatedProduct(args, true, thread, threads)
}

function gatedProduct(args: usize, adds: bool, thread: u32, threads: u32): void {
  products(args, 2, adds, thread, threads)
  const gate = blockOf(args, 0)
  const rows = argument(gate, ROWS)
  const groups = (rows + 7) >> 3
  const begin: usize = (<usize>shareBegin(groups, thread, threads)) << 5
  const end: usize = (<usize>min(shareEnd(groups, thread, threads) << 3, rows)) << 2
  const y: usize = argument(gate, Y)
  const up: usize = argument(blockOf(args, 1), Y)
  if (argument(args, FUNCTION) == GELU_TANH) gated(GELU_TANH, y, up, y, begin, end)
  else gated(SILU, y, up, y, begin, end)
}

function products(args: usize, count: u32, adds: bool, thread: u32, threads: u32): void {
  const first = blockOf(args, 0)
  let x: usize = argument(first, X)
  if (argument(args, NORM) != 0) {
    const normed: usize = argument(first, SCRATCH) + thread * argument(first, SCRATCH_BYTES) + argument(args, NORMED)
    normaliseRow(
      x,
      argument(args, NORM),
      normed,
      argument(first, COLUMNS),
      floatArgument(args, EPS),
      floatArgument(args, UNIT),
      0,
    )
    x = normed
  }
  let wide = false
  let zero: i32 = 0
  for (let index: u32 = 0; index < count; index++) {
    const block = blockOf(args, index)
    // Records depend on the storage kind of the codes, which most often is the same for all products.
    const isRounded = index > 0 && isWideFor(block, adds) == wide && zeroFor(block, adds) == zero
    tokenProduct(block, x, adds, isRounded, thread, threads)
    wide = isWideFor(block, adds)
    zero = zeroFor(block, adds)
  }
}
