import { argument } from '@tessera-llm/wasm/assembly/lib'
import { BATCH, HEAD_DIM, HEADS, LSE, O, Q, rowAddress, ROWS, SINKS, STRIDE_O, STRIDE_Q, VALUE_DIM } from '../call'
import { dotRow } from '../scores'
import { LOG2E, weighAgainst } from '../softmax'
import { areFinite } from '../tiles'

// Per-row values of the backward kernels: the value subtracted from scores, and D = do · o − dlse. The words of
// src/attention-backward/wasm/arguments.ts follow those of the forward pass. DO has the strides of o, DQ those of q, DK
// and DV those of k and v.

export const DO: u32 = 50
export const DLSE: u32 = 51
export const DQ: u32 = 52
export const DK: u32 = 53
export const DV: u32 = 54
export const DSINKS: u32 = 55
/** f32 [B][Hq][Lq] each: lse · log2 e, +∞ for a row that sees no key; and D. */
export const SUBTRACTED: u32 = 56
export const REDUCED: u32 = 57
/** u32 [B][Hq][Lq / 64]: whether q or do has a non-finite value in these rows. */
export const UNEVEN: u32 = 58
/** f32 [B][Hq][Lkv][D] and [Dv]: gradients per query head if heads share keys, else 0. */
export const PART_K: u32 = 59
export const PART_V: u32 = 60

/** Rows that share a word of UNEVEN. */
export const ROW_BLOCK: u32 = 64

/** First stage: one block of rows of a head at a time. Clears dq. */
export function backwardRows(args: usize, thread: u32, threads: u32): void {
  const heads = argument(args, HEADS)
  const rows = argument(args, ROWS)
  const headDim = argument(args, HEAD_DIM)
  const valueDim = argument(args, VALUE_DIM)
  const blocks = (rows + ROW_BLOCK - 1) / ROW_BLOCK
  const units = argument(args, BATCH) * heads * blocks
  const lse: usize = argument(args, LSE)
  const dlse: usize = argument(args, DLSE)
  const subtracted: usize = argument(args, SUBTRACTED)
  const reduced: usize = argument(args, REDUCED)
  for (let unit = thread; unit < units; unit += threads) {
    const head = (unit / blocks) % heads
    const batch = unit / (blocks * heads)
    const end = min(rows, ((unit % blocks) + 1) * ROW_BLOCK)
    let isUneven = false
    for (let row = (unit % blocks) * ROW_BLOCK; row < end; row++) {
      const at: usize = ((batch * heads + head) * rows + row) << 2
      const q = rowAddress(args, Q, STRIDE_Q, batch, head, row, 2)
      const gradient = rowAddress(args, DO, STRIDE_O, batch, head, row, 2)
      memory.fill(rowAddress(args, DQ, STRIDE_Q, batch, head, row, 2), 0, (<usize>headDim) << 2)
      const total = load<f32>(lse + at)
      store<f32>(subtracted + at, total == -Infinity ? Infinity : total * LOG2E)
      store<f32>(
        reduced + at,
        dotRow(gradient, rowAddress(args, O, STRIDE_O, batch, head, row, 2), valueDim, 2) -
          (dlse == 0 ? 0 : load<f32>(dlse + at)),
      )
      if (!isUneven) isUneven = !areFinite(q, 0, 1, headDim) || !areFinite(gradient, 0, 1, valueDim)
    }
    store<u32>(argument(args, UNEVEN) + (unit << 2), isUneven ? 1 : 0)
  }
}

/** Last stage if there are sinks: dsinks[h] = −Σ e^(sink − lse) · D over all rows of the head. */
export function backwardSinks(args: usize, thread: u32, threads: u32): void {
  const batches = argument(args, BATCH)
  const heads = argument(args, HEADS)
  const rows = argument(args, ROWS)
  for (let head = thread; head < heads; head += threads) {
    const sink = load<f32>(argument(args, SINKS) + (head << 2))
    let sum: f64 = 0
    for (let batch: u32 = 0; batch < batches; batch++) {
      for (let row: u32 = 0; row < rows; row++) {
        const at: usize = ((batch * heads + head) * rows + row) << 2
        const p = weighAgainst(sink, load<f32>(argument(args, SUBTRACTED) + at))
        if (p > 0) sum -= <f64>p * <f64>load<f32>(argument(args, REDUCED) + at)
      }
    }
    store<f32>(argument(args, DSINKS) + (head << 2), <f32>sum)
  }
}
