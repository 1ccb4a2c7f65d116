import { tilesOf } from '@tessera-llm/kernels/assembly/linear/lay-tokens'
import { panelProduct, panelRow, SUMS_BYTES } from '@tessera-llm/kernels/assembly/linear/panel'
import { argument, shareBegin, shareEnd } from '@tessera-llm/wasm/assembly/lib'
import { groupBytesAt } from '../layout'
import { PANEL_BYTES } from '../panel'
import { spreadBy } from '../spread'
import { unpack } from '../unpack/unpack'
import {
  BIAS,
  blocksOf,
  COLUMNS,
  layoutOf,
  RECORDS,
  RESIDUAL,
  ROWS,
  SCRATCH,
  SCRATCH_BYTES,
  TOKENS,
  WEIGHT,
  X,
  Y,
} from './arguments'
import { storeGroup } from './store'

// Activations in f32 times a weight. Threads share the groups of 8 rows.

/** Tiles of tokens that stay in the L2 cache while the groups pass by. */
const TILES_AT_ONCE: u32 = 21

/**
 * y for f32 activations: decodes a group to f32 and multiplies it as a dense weight. RECORDS holds several tokens
 * packed as in lay-tokens.ts.
 */
export function exactProduct(args: usize, thread: u32, threads: u32): void {
  const tokens = argument(args, TOKENS)
  const rows = argument(args, ROWS)
  const columns = argument(args, COLUMNS)
  const blocks = blocksOf(args)
  const layout = layoutOf(args)
  const bytes = groupBytesAt(layout, blocks)
  const bias: usize = argument(args, BIAS)
  const residual: usize = argument(args, RESIDUAL)
  const codes: usize = argument(args, SCRATCH) + thread * argument(args, SCRATCH_BYTES)
  const out = codes + blocks * PANEL_BYTES
  const panel = out + SUMS_BYTES
  const strideY: usize = (<usize>rows) << 2
  const groups = (rows + 7) >> 3
  const end = shareEnd(groups, thread, threads)
  const tiles = tilesOf(tokens)
  for (let first: u32 = 0; first < tiles; first += TILES_AT_ONCE) {
    const last = min(first + TILES_AT_ONCE, tiles)
    for (let g = shareBegin(groups, thread, threads); g < end; g++) {
      unpack(layout, argument(args, WEIGHT) + g * bytes, blocks, codes)
      spreadBy(layout, codes, blocks, panel)
      if (tokens == 1) {
        panelRow(argument(args, X), panel, columns, out)
        storeGroup(args, 0, 1, g, out)
        continue
      }
      const at: usize = (<usize>g) << 5
      const valid = min<u32>(8, rows - (g << 3))
      panelProduct(
        argument(args, RECORDS),
        tokens,
        first,
        last,
        panel,
        columns,
        argument(args, Y) + at,
        strideY,
        valid,
        bias == 0 ? 0 : bias + at,
        residual == 0 ? 0 : residual + at,
      )
    }
  }
}
