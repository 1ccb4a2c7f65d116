import { argument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { activate4, GELU_ERF, GELU_TANH, QUICK_GELU, RELU, RELU2, SIGMOID, SILU, TANH } from './functions'

/** y = f(gate) · up. Words: gate, up (0: y = f(gate)), y, elements, f's number. Blocks of 16 elements are shared out. */
export function gatedActivation(args: usize, thread: u32, threads: u32): void {
  const kind = argument(args, 4)
  if (kind == SILU) gated(SILU, args, thread, threads)
  else if (kind == GELU_ERF) gated(GELU_ERF, args, thread, threads)
  else if (kind == GELU_TANH) gated(GELU_TANH, args, thread, threads)
  else if (kind == QUICK_GELU) gated(QUICK_GELU, args, thread, threads)
  else if (kind == RELU) gated(RELU, args, thread, threads)
  else if (kind == RELU2) gated(RELU2, args, thread, threads)
  else if (kind == TANH) gated(TANH, args, thread, threads)
  else gated(SIGMOID, args, thread, threads)
}

// @ts-ignore: decorator
@inline
function gated(kind: u32, args: usize, thread: u32, threads: u32): void {
  const gate: usize = argument(args, 0), up: usize = argument(args, 1), y: usize = argument(args, 2)
  const size = argument(args, 3)
  const blocks = (size + 15) >> 4
  const end: usize = <usize>min(shareEnd(blocks, thread, threads) << 4, size) << 2
  for (let at: usize = <usize>(shareBegin(blocks, thread, threads) << 4) << 2; at < end; at += 16) {
    if (at + 16 > end) {
      tail(activate4(kind, loadTail(gate + at, end - at)), up == 0 ? 0 : up + at, y + at, end - at)
      return
    }
    let value = activate4(kind, v128.load(gate + at))
    if (up != 0) value = f32x4.mul(value, v128.load(up + at))
    v128.store(y + at, value)
  }
}

/** The first `bytes` < 16 bytes at `from`. */
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
