import { argument, floatArgument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { BF16, elementBytes, F16, F32, loadElement, loadElement4 } from './element'

// Words: ids, weight, y, tokens, vocabulary, width, scale f32. Threads share tokens. An id outside the vocabulary gives
// zeros.

export function embeddingF32(args: usize, thread: u32, threads: u32): void {
  gather(F32, args, thread, threads)
}
export function embeddingF16(args: usize, thread: u32, threads: u32): void {
  gather(F16, args, thread, threads)
}
export function embeddingBf16(args: usize, thread: u32, threads: u32): void {
  gather(BF16, args, thread, threads)
}

@inline
function gather(kind: i32, args: usize, thread: u32, threads: u32): void {
  const tokens = argument(args, 3)
  const vocabulary = argument(args, 4)
  const width = argument(args, 5)
  const scale = floatArgument(args, 6)
  const scales = f32x4.splat(scale)
  const end = shareEnd(tokens, thread, threads)
  for (let token = shareBegin(tokens, thread, threads); token < end; token++) {
    const id = load<u32>(argument(args, 0) + ((<usize>token) << 2))
    const y: usize = argument(args, 2) + ((<usize>token * width) << 2)
    if (id >= vocabulary) {
      memory.fill(y, 0, (<usize>width) << 2)
      continue
    }
    const row: usize = argument(args, 1) + <usize>id * width * elementBytes(kind)
    let i: u32 = 0
    for (; i + 4 <= width; i += 4)
      v128.store(y + ((<usize>i) << 2), f32x4.mul(scales, loadElement4(kind, row + i * elementBytes(kind))))
    for (; i < width; i++) store<f32>(y + ((<usize>i) << 2), scale * loadElement(kind, row + i * elementBytes(kind)))
  }
}
