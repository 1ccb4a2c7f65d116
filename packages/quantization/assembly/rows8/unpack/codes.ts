import { highConstant, lowConstant, unpackBlock } from '../codes'
import {
  blockBytesAt,
  BYTES,
  CRUMBS,
  E2M1,
  headBytesAt,
  IQ4,
  NIBBLES,
  NIBBLES_1,
  NIBBLES_2,
  OCTALS,
  superBlocksAt,
  superBytesAt,
} from '../layout'
import { PANEL_BYTES } from '../panel'

// Codes of a group decoded to a panel: one function for each way to store them.

@inline
function unpackCodes(codes: i32, layout: usize, p: usize, blocks: i32, panel: usize): void {
  const block = blockBytesAt(layout)
  const superBytes = superBytesAt(layout)
  const superBlocks = superBlocksAt(layout)
  const low = lowConstant(codes)
  const high = highConstant(codes)
  p += headBytesAt(layout)
  for (let left = 0; blocks > 0; blocks--, p += block, panel += PANEL_BYTES) {
    if (left == 0) {
      p += superBytes
      left = superBlocks
    }
    left -= 1
    unpackBlock(codes, p, panel, low, high)
  }
}

export function unpackBytes(layout: usize, p: usize, blocks: i32, panel: usize): void {
  unpackCodes(BYTES, layout, p, blocks, panel)
}
export function unpackNibbles(layout: usize, p: usize, blocks: i32, panel: usize): void {
  unpackCodes(NIBBLES, layout, p, blocks, panel)
}
export function unpackNibbles1(layout: usize, p: usize, blocks: i32, panel: usize): void {
  unpackCodes(NIBBLES_1, layout, p, blocks, panel)
}
export function unpackNibbles2(layout: usize, p: usize, blocks: i32, panel: usize): void {
  unpackCodes(NIBBLES_2, layout, p, blocks, panel)
}
export function unpackE2M1(layout: usize, p: usize, blocks: i32, panel: usize): void {
  unpackCodes(E2M1, layout, p, blocks, panel)
}
export function unpackIQ4(layout: usize, p: usize, blocks: i32, panel: usize): void {
  unpackCodes(IQ4, layout, p, blocks, panel)
}
export function unpackCrumbs(layout: usize, p: usize, blocks: i32, panel: usize): void {
  unpackCodes(CRUMBS, layout, p, blocks, panel)
}
export function unpackOctals(layout: usize, p: usize, blocks: i32, panel: usize): void {
  unpackCodes(OCTALS, layout, p, blocks, panel)
}
