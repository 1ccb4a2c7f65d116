import { argument, floatArgument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'

/**
 * y = x · H / √block in each block. Words: x, y, blocks, block size in values (a power of two), 1 / √block f32. Threads
 * share blocks.
 */
export function hadamard(args: usize, thread: u32, threads: u32): void {
  const bytes: usize = (<usize>argument(args, 3)) << 2
  const scale = floatArgument(args, 4)
  const end = shareEnd(argument(args, 2), thread, threads)
  for (let block = shareBegin(argument(args, 2), thread, threads); block < end; block++) {
    const x = argument(args, 0) + <usize>block * bytes
    const y = argument(args, 1) + <usize>block * bytes
    if (bytes < 64) small(x, y, bytes, scale)
    else large(x, y, bytes, scale)
  }
}

/** Blocks below 16 values: one butterfly stage after the other, at distances 1, 2, 4. */
function small(x: usize, y: usize, bytes: usize, scale: f32): void {
  for (let i: usize = 0; i < bytes; i += 4) store<f32>(y + i, scale * load<f32>(x + i))
  for (let apart: usize = 4; apart < bytes; apart <<= 1) {
    for (let i: usize = 0; i < bytes; i += 4) {
      if ((i & apart) != 0) continue
      const a = load<f32>(y + i)
      const b = load<f32>(y + i + apart)
      store<f32>(y + i, a + b)
      store<f32>(y + i + apart, a - b)
    }
  }
}

/** Blocks of 16 values and more: the four stages within 16 values run in registers, then two stages per pass. */
function large(x: usize, y: usize, bytes: usize, scale: f32): void {
  const scales = f32x4.splat(scale)
  for (let i: usize = 0; i < bytes; i += 64) {
    const a = inVector(f32x4.mul(scales, v128.load(x + i)))
    const b = inVector(f32x4.mul(scales, v128.load(x + i, 16)))
    const c = inVector(f32x4.mul(scales, v128.load(x + i, 32)))
    const d = inVector(f32x4.mul(scales, v128.load(x + i, 48)))
    four(y + i, 16, a, b, c, d)
  }
  let apart: usize = 64
  for (; apart << 1 < bytes; apart <<= 2) {
    for (let i: usize = 0; i < bytes; i += apart << 2) {
      for (let at = y + i, end = at + apart; at < end; at += 16)
        four(at, apart, v128.load(at), v128.load(at + apart), v128.load(at + 2 * apart), v128.load(at + 3 * apart))
    }
  }
  if (apart < bytes) {
    for (let at = y, end = y + apart; at < end; at += 16) {
      const a = v128.load(at)
      const b = v128.load(at + apart)
      v128.store(at, f32x4.add(a, b))
      v128.store(at + apart, f32x4.sub(a, b))
    }
  }
}

/** Butterfly stages at distances 1 and 2 within one vector. */
@inline
function inVector(v: v128): v128 {
  const signs = f32x4(1, -1, 1, -1)
  const upper = f32x4(1, 1, -1, -1)
  const pairs = f32x4.add(v128.shuffle<f32>(v, v, 1, 0, 3, 2), f32x4.mul(signs, v))
  return f32x4.add(v128.shuffle<f32>(pairs, pairs, 2, 3, 0, 1), f32x4.mul(upper, pairs))
}

/** Butterfly stages at distances `apart` and 2 · `apart` bytes, in one pass over memory. */
@inline
function four(at: usize, apart: usize, a: v128, b: v128, c: v128, d: v128): void {
  const ab = f32x4.add(a, b)
  const ba = f32x4.sub(a, b)
  const cd = f32x4.add(c, d)
  const dc = f32x4.sub(c, d)
  v128.store(at, f32x4.add(ab, cd))
  v128.store(at + apart, f32x4.add(ba, dc))
  v128.store(at + 2 * apart, f32x4.sub(ab, cd))
  v128.store(at + 3 * apart, f32x4.sub(ba, dc))
}
