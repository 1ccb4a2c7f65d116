import type { BlockType } from '../format/block-type.ts'
import { ggmlBlockTypes } from '../format/block-types.ts'
import { columnsPerBlock, type Rows8Layout } from './layout.ts'

/** Layout of one ggml block type for the WebAssembly kernels; the packed format is `<type>/rows8`. */
export interface Rows8Kind {
  readonly type: BlockType
  readonly layout: Rows8Layout
}

/** Blocks of 256 columns that share an f16. */
const superBlocks = 256 / columnsPerBlock

const layouts: Readonly<Record<string, Rows8Layout>> = {
  q4_0: { codes: 'nibbles', scales: 'f16', zero: 8, superBlocks: 1 },
  q4_1: { codes: 'nibbles', scales: 'f16+offset', zero: 0, superBlocks: 1 },
  q5_0: { codes: 'nibbles+1', scales: 'f16', zero: 16, superBlocks: 1 },
  q5_1: { codes: 'nibbles+1', scales: 'f16+offset', zero: 0, superBlocks: 1 },
  q8_0: { codes: 'bytes', scales: 'f16', zero: 0, superBlocks: 1 },
  q2_k: { codes: 'crumbs', scales: 'u8/16+offset', zero: 0, superBlocks },
  q3_k: { codes: 'octals', scales: 'i8/16', zero: 4, superBlocks },
  q4_k: { codes: 'nibbles', scales: 'u8+offset', zero: 0, superBlocks },
  q5_k: { codes: 'nibbles+1', scales: 'u8+offset', zero: 0, superBlocks },
  q6_k: { codes: 'nibbles+2', scales: 'i8/16', zero: 32, superBlocks },
  iq4_nl: { codes: 'iq4', scales: 'f16', zero: 0, superBlocks: 1 },
  iq4_xs: { codes: 'iq4', scales: 'i8', zero: 0, superBlocks },
  tq1_0: { codes: 'crumbs', scales: 'f32', zero: 1, superBlocks },
  tq2_0: { codes: 'crumbs', scales: 'f32', zero: 1, superBlocks },
  mxfp4: { codes: 'e2m1', scales: 'bf16', zero: 12, superBlocks: 1 },
  nvfp4: { codes: 'e2m1', scales: 'e4m3/16', zero: 12, superBlocks: 1 },
}

export const rows8Kinds: readonly Rows8Kind[] = ggmlBlockTypes.flatMap((type) => {
  const layout = layouts[type.id]
  return layout ? [{ type, layout }] : []
})
