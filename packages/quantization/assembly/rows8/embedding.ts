import { argument, floatArgument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { groupBytesAt } from './layout'
import { PANEL_BYTES } from './panel'
import { spreadBy } from './spread'
import { unpack } from './unpack/unpack'

/**
 * Words: ids, weight, y, tokens, vocabulary, width, scale f32, scratch, scratch bytes per thread, the weight's layout.
 * Threads share tokens; an id outside the vocabulary gives zeros.
 */
export function gather(args: usize, thread: u32, threads: u32): void {
  const tokens = argument(args, 3)
  const vocabulary = argument(args, 4)
  const width = argument(args, 5)
  const blocks: i32 = (width + 31) >> 5
  const layout = args + 36
  const bytes = groupBytesAt(layout, blocks)
  const scale = floatArgument(args, 6)
  const codes: usize = argument(args, 7) + thread * argument(args, 8)
  const panel = codes + blocks * PANEL_BYTES
  const end = shareEnd(tokens, thread, threads)
  for (let token = shareBegin(tokens, thread, threads); token < end; token++) {
    const id = load<u32>(argument(args, 0) + ((<usize>token) << 2))
    const y: usize = argument(args, 2) + ((<usize>token * width) << 2)
    if (id >= vocabulary) {
      memory.fill(y, 0, (<usize>width) << 2)
      continue
    }
    unpack(layout, argument(args, 1) + <usize>(id >> 3) * bytes, blocks, codes)
    spreadBy(layout, codes, blocks, panel)
    const column = panel + ((id & 7) << 2)
    for (let i: u32 = 0; i < width; i++)
      store<f32>(y + ((<usize>i) << 2), scale * load<f32>(column + ((<usize>i) << 5)))
  }
}
