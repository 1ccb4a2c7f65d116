import { highConstant, lowConstant, unpackBlock } from '../codes'
import { BYTES, CRUMBS, OCTALS, E2M1, IQ4, NIBBLES, NIBBLES_1, NIBBLES_2 } from '../layout'
import { PANEL_BYTES } from '../panel'

// Codes of a group decoded to a panel: one function for each way to store them.

@inline
function unpackCodes(
  codes: i32,
  p: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  panel: usize,
): void {
  const low = lowConstant(codes)
  const high = highConstant(codes)
  p += head
  for (let left = 0; blocks > 0; blocks--, p += block, panel += PANEL_BYTES) {
    if (left == 0) {
      p += superBytes
      left = superBlocks
    }
    left -= 1
    unpackBlock(codes, p, panel, low, high)
  }
}

export function unpackBytes(
  p: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  panel: usize,
): void {
  unpackCodes(BYTES, p, blocks, head, block, superBytes, superBlocks, panel)
}
export function unpackNibbles(
  p: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  panel: usize,
): void {
  unpackCodes(NIBBLES, p, blocks, head, block, superBytes, superBlocks, panel)
}
export function unpackNibbles1(
  p: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  panel: usize,
): void {
  unpackCodes(NIBBLES_1, p, blocks, head, block, superBytes, superBlocks, panel)
}
export function unpackNibbles2(
  p: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  panel: usize,
): void {
  unpackCodes(NIBBLES_2, p, blocks, head, block, superBytes, superBlocks, panel)
}
export function unpackE2M1(
  p: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  panel: usize,
): void {
  unpackCodes(E2M1, p, blocks, head, block, superBytes, superBlocks, panel)
}
export function unpackIQ4(
  p: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  panel: usize,
): void {
  unpackCodes(IQ4, p, blocks, head, block, superBytes, superBlocks, panel)
}
export function unpackCrumbs(
  p: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  panel: usize,
): void {
  unpackCodes(CRUMBS, p, blocks, head, block, superBytes, superBlocks, panel)
}
export function unpackOctals(
  p: usize,
  blocks: i32,
  head: usize,
  block: usize,
  superBytes: usize,
  superBlocks: i32,
  panel: usize,
): void {
  unpackCodes(OCTALS, p, blocks, head, block, superBytes, superBlocks, panel)
}
