/**
 * How one ggml block type is laid out for the WebAssembly kernels: groups of 8 rows, blocks of 32 columns. The picture is in
 * assembly/rows8/layout.ts, whose numbers these are.
 */
export interface Rows8Kind {
  /** ggml's name of the stored type; the packed format is `<source>/rows8`. */
  readonly source: string
  /** Columns and bytes of a stored block. */
  readonly sourceColumns: 32 | 256
  readonly sourceBytes: number
  /** Bytes before each 8 blocks: the f16 scales of super-blocks. */
  readonly superBytes: number
  /** Bytes before a block's codes. */
  readonly headBytes: number
  readonly codes: 'nibbles' | 'nibbles+1' | 'nibbles+2' | 'bytes'
  /** Subtracted from a stored code. */
  readonly zeroPoint: number
  /** value = scale · code + offset with offsets of its own. */
  readonly hasOffset: boolean
}

export const rows8Kinds: readonly Rows8Kind[] = [
  { source: 'q4_0', sourceColumns: 32, sourceBytes: 18, superBytes: 0, headBytes: 16, codes: 'nibbles', zeroPoint: 8, hasOffset: false },
  { source: 'q4_1', sourceColumns: 32, sourceBytes: 20, superBytes: 0, headBytes: 32, codes: 'nibbles', zeroPoint: 0, hasOffset: true },
  { source: 'q5_0', sourceColumns: 32, sourceBytes: 22, superBytes: 0, headBytes: 16, codes: 'nibbles+1', zeroPoint: 16, hasOffset: false },
  { source: 'q5_1', sourceColumns: 32, sourceBytes: 24, superBytes: 0, headBytes: 32, codes: 'nibbles+1', zeroPoint: 0, hasOffset: true },
  { source: 'q8_0', sourceColumns: 32, sourceBytes: 34, superBytes: 0, headBytes: 16, codes: 'bytes', zeroPoint: 0, hasOffset: false },
  { source: 'q4_k', sourceColumns: 256, sourceBytes: 144, superBytes: 32, headBytes: 16, codes: 'nibbles', zeroPoint: 0, hasOffset: true },
  { source: 'q5_k', sourceColumns: 256, sourceBytes: 176, superBytes: 32, headBytes: 16, codes: 'nibbles+1', zeroPoint: 0, hasOffset: true },
  { source: 'q6_k', sourceColumns: 256, sourceBytes: 210, superBytes: 16, headBytes: 16, codes: 'nibbles+2', zeroPoint: 32, hasOffset: false },
]

export const rowsPerGroup = 8

const codeBytes = { nibbles: 128, 'nibbles+1': 160, 'nibbles+2': 192, bytes: 256 } as const

/** Bytes of one block of 8 rows × 32 columns. */
export function blockBytesOf(kind: Rows8Kind): number {
  return kind.headBytes + codeBytes[kind.codes]
}

/** Bytes of a group of 8 rows. */
export function groupBytesOf(kind: Rows8Kind, columns: number): number {
  return (columns / 32) * blockBytesOf(kind) + (columns / 256) * kind.superBytes
}

/** Offset of block `index` within its group. */
export function blockOffset(kind: Rows8Kind, index: number): number {
  return index * blockBytesOf(kind) + (kind.superBytes === 0 ? 0 : (Math.floor(index / 8) + 1) * kind.superBytes)
}

/** Offset, within a block's codes, of the byte of row `row` (0 … 7) and column `column` of a vector `t`. */
export function codeOffset(t: number, row: number, column: number): number {
  return 32 * t + 16 * (row >> 2) + 4 * (row & 3) + column
}
