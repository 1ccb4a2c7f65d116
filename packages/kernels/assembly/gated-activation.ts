import { argument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { activate4, GELU_ERF, GELU_TANH, QUICK_GELU, RELU, RELU2, SIGMOID, SILU, TANH } from './functions'

/**
 * y = f(gate) · up. Words: gate, up (0: y = f(gate)), y, elements, number of f. Threads share blocks of 16 elements.
 */
export function gatedActivation(args: usize, thread: u32, threads: u32): void {
  const size = argument(args, 3)
  const blocks = (size + 15) >> 4
  const begin: usize = (<usize>(shareBegin(blocks, thread, threads) << 4)) << 2
  const end: usize = (<usize>min(shareEnd(blocks, thread, threads) << 4, size)) << 2
  activateGated(argument(args, 4), argument(args, 0), argument(args, 1), argument(args, 2), begin, end)
}

/** y = f(gate) · up for bytes `begin` to `end` of each array. `y` may alias `gate`. */
export function activateGated(kind: u32, gate: usize, up: usize, y: usize, begin: usize, end: usize): void {
  if (kind == SILU) gated(SILU, gate, up, y, begin, end)
  else if (kind == GELU_ERF) gated(GELU_ERF, gate, up, y, begin, end)
  else if (kind == GELU_TANH) gated(GELU_TANH, gate, up, y, begin, end)
  else if (kind == QUICK_GELU) gated(QUICK_GELU, gate, up, y, begin, end)
  else if (kind == RELU) gated(RELU, gate, up, y, begin, end)
  else if (kind == RELU2) gated(RELU2, gate, up, y, begin, end)
  else if (kind == TANH) gated(TANH, gate, up, y, begin, end)
  else gated(SIGMOID, gate, up, y, begin, end)
}

/** `activateGated` for one `kind`, constant at each call. */
@inline
export function gated(kind: u32, gate: usize, up: usize, y: usize, begin: usize, end: usize): void {
  for (let at = begin; at < end; at += 16) {
    if (at + 16 > end) {
      tail(activate4(kind, loadTail(gate + at, end - at)), up == 0 ? 0 : up + at, y + at, end - at)
      return
    }
    let value = activate4(kind, v128.load(gate + at))
    if (up != 0) value = f32x4.mul(value, v128.load(up + at))
    v128.store(y + at, value)
  }
}

/** Loads the first `bytes` < 16 bytes at `from`; the other lanes are zero. */
function loadTail(from: usize, bytes: usize): v128 {
  let v = v128.load32_zero(from)
  if (bytes > 4) v = f32x4.replace_lane(v, 1, load<f32>(from, 4))
  if (bytes > 8) v = f32x4.replace_lane(v, 2, load<f32>(from, 8))
  return v
}

function tail(value: v128, up: usize, y: usize, bytes: usize): void {
  if (up != 0) value = f32x4.mul(value, loadTail(up, bytes))
  store<f32>(y, f32x4.extract_lane(value, 0))
  if (bytes > 4) store<f32>(y, f32x4.extract_lane(value, 1), 4)
  if (bytes > 8) store<f32>(y, f32x4.extract_lane(value, 2), 8)
}
