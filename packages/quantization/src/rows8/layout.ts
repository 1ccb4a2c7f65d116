/**
 * How a weight is laid out for the WebAssembly kernels: groups of 8 rows, blocks of 32 columns, one way to store codes
 * and one to store scales. The picture is in assembly/rows8/layout.ts, whose numbers these are. value = scale · (code −
 * zero) + offset.
 */
export interface Rows8Layout {
  readonly codes: keyof typeof codeStorage
  readonly scales: keyof typeof scaleStorage
  /** Subtracted from a stored code; 0 where there are offsets, or codes are signed. */
  readonly zero: number
  /** Number of blocks that share fields; 1 if they share none. */
  readonly superBlocks: number
  /** Values of the codes of the `levels` kinds: up to 16 integers of 16 bits. */
  readonly levels?: readonly number[]
}

export const rowsPerGroup = 8
export const columnsPerBlock = 32

/** Number in the kernels' arguments, and bytes of a block's codes. */
const codeStorage = {
  bytes: { id: 0, bytes: 256 },
  nibbles: { id: 1, bytes: 128 },
  'nibbles+1': { id: 2, bytes: 160 },
  'nibbles+2': { id: 3, bytes: 192 },
  e2m1: { id: 4, bytes: 128 },
  iq4: { id: 5, bytes: 128 },
  crumbs: { id: 6, bytes: 64 },
  octals: { id: 7, bytes: 96 },
  levels: { id: 8, bytes: 128 },
  e4m3: { id: 9, bytes: 256 },
  e5m2: { id: 10, bytes: 256 },
  'levels/2': { id: 11, bytes: 64 },
  'levels/3': { id: 12, bytes: 96 },
} as const

/** Number in the kernels' arguments, bytes of a block before its codes, and of the fields that blocks share. */
const scaleStorage = {
  f16: { id: 0, head: 16, shared: 0 },
  'f16+offset': { id: 1, head: 32, shared: 0 },
  'u8+offset': { id: 2, head: 16, shared: 32 },
  i8: { id: 3, head: 8, shared: 16 },
  'i8/16': { id: 4, head: 16, shared: 16 },
  'u8/16+offset': { id: 5, head: 32, shared: 32 },
  bf16: { id: 6, head: 16, shared: 0 },
  'e4m3/16': { id: 7, head: 16, shared: 0 },
  f32: { id: 8, head: 0, shared: 32 },
  'f32+offset': { id: 9, head: 0, shared: 64 },
  'shared f16': { id: 10, head: 0, shared: 16 },
  'shared f16+zero': { id: 11, head: 0, shared: 24 },
} as const

export function hasOffset({ scales }: Rows8Layout): boolean {
  return scales.endsWith('+offset') || scales.endsWith('+zero')
}

export function blocksOf(columns: number): number {
  return Math.ceil(columns / columnsPerBlock)
}

/** Bytes of a block before its codes. */
export function headBytesOf({ scales }: Rows8Layout): number {
  return scaleStorage[scales].head
}

/** Bytes of one block of 8 rows × 32 columns. */
export function blockBytesOf(layout: Rows8Layout): number {
  return headBytesOf(layout) + codeStorage[layout.codes].bytes
}

/** Bytes before each `superBlocks` blocks. */
function sharedBytesOf({ scales }: Rows8Layout): number {
  return scaleStorage[scales].shared
}

/** Bytes of a group of 8 rows. */
export function groupBytesOf(layout: Rows8Layout, columns: number): number {
  return (
    blocksOf(columns) * blockBytesOf(layout) + Math.ceil(blocksOf(columns) / layout.superBlocks) * sharedBytesOf(layout)
  )
}

/** Offset of block `index` within its group. */
export function blockOffset(layout: Rows8Layout, index: number): number {
  return index * blockBytesOf(layout) + (Math.floor(index / layout.superBlocks) + 1) * sharedBytesOf(layout)
}

/** Offset of what block `index` shares. */
export function sharedOffset(layout: Rows8Layout, index: number): number {
  return blockOffset(layout, index - (index % layout.superBlocks)) - sharedBytesOf(layout)
}

/** Offset, within a block's codes, of the byte of row `row` (0 … 7) and column `column` (0 … 3) of a vector `t`. */
export function codeOffset(t: number, row: number, column: number): number {
  return 32 * t + 16 * (row >> 2) + 4 * (row & 3) + column
}

/** The words that describe a layout to the kernels; the low bytes of the levels follow, then their high bytes. */
export function layoutWords(layout: Rows8Layout): readonly number[] {
  const words = new Uint32Array(8)
  const bytes = new Uint8Array(words.buffer)
  for (const [i, level] of (layout.levels ?? []).entries()) {
    bytes[i] = level
    bytes[16 + i] = level >> 8
  }
  return [
    codeStorage[layout.codes].id,
    scaleStorage[layout.scales].id,
    headBytesOf(layout),
    blockBytesOf(layout),
    sharedBytesOf(layout),
    layout.superBlocks,
    layout.zero,
    ...words,
  ]
}
