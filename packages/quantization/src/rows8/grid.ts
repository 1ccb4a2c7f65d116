import { encodeF16, TesseraError, type WeightPacker } from '@tessera-llm/tensor'
import { type GridFormat, splitParts, unpackMatrix } from '../grid-format/index.ts'
import {
  codeBits,
  type CodebookGrid,
  type Grid,
  groupColumns,
  groupsPerRow,
  type QuantizedMatrix,
} from '../quantized-matrix/index.ts'
import { createRows8Format, type Rows8Format } from './format.ts'
import {
  blockOffset,
  blocksOf,
  columnsPerBlock,
  groupBytesOf,
  headBytesOf,
  type Rows8Layout,
  rowsPerGroup,
  sharedOffset,
} from './layout.ts'
import { writeCodes } from './write-codes.ts'

/** More blocks than a row has. */
const allBlocks = 2 ** 20

const integerCodes = { 8: 'bytes', 4: 'nibbles', 3: 'octals', 2: 'crumbs' } as const

/** The layout of a grid's matrices, or why there is none. */
function layoutOfGrid({ grid, zeros }: GridFormat): Rows8Layout | string {
  const { group } = grid
  if (typeof group === 'number' && group % columnsPerBlock !== 0)
    return `the kernels take groups of multiples of ${columnsPerBlock} columns, not of ${group}`
  const superBlocks = typeof group === 'number' ? group / columnsPerBlock : allBlocks
  if (grid.kind === 'codebook') {
    const table = { scales: 'f32', zero: 0, superBlocks } as const
    if (grid.id === 'fp4_e2m1') return { ...table, codes: 'e2m1', zero: 12 }
    if (grid.id === 'fp8_e4m3' || grid.id === 'fp8_e5m2')
      return { ...table, codes: grid.id === 'fp8_e4m3' ? 'e4m3' : 'e5m2' }
    if (grid.values.length > 16)
      return `the WebAssembly kernels take tables of up to 16 values, fp8_e4m3 and fp8_e5m2, not ${grid.id} of ${grid.values.length} values`
    const bits = codeBits(grid)
    const unit = levelUnit(grid)
    return {
      ...table,
      codes: bits === 2 ? 'levels/2' : bits === 3 ? 'levels/3' : 'levels',
      levels: Array.from({ length: 16 }, (_, code) => Math.round((grid.values[code] ?? 0) / unit)),
    }
  }
  const codes = integerCodes[grid.bits]
  if (!grid.isSymmetric) {
    // Codes of 8 bits are stored less 128, and so would be their zeros.
    const isSmall = grid.scaleType === 'f16' && zeros === 'codes' && grid.bits < 8
    return { codes, scales: isSmall ? 'shared f16+zero' : 'f32+offset', zero: 0, superBlocks }
  }
  const zero = grid.bits === 8 ? 0 : 2 ** (grid.bits - 1)
  if (grid.scaleType !== 'f16') return { codes, scales: 'f32', zero, superBlocks }
  return { codes, scales: superBlocks === 1 ? 'f16' : 'shared f16', zero, superBlocks }
}

/** Unit of a table's integers: the largest value is 32767 of them. */
function levelUnit({ values }: CodebookGrid): number {
  return Math.max(...values.map(Math.abs)) / 32767
}

/** By what a grid's scales are multiplied as they are stored. */
function scaleUnit(grid: Grid, { codes }: Rows8Layout): number {
  if (grid.kind !== 'codebook') return 1
  // The values of e2m1 are stored doubled.
  return codes === 'e2m1' ? 0.5 : codes.startsWith('levels') ? levelUnit(grid) : 1
}

/**
 * Packs matrices of a grid (as `joinParts` stores them) for the WebAssembly kernels: integers of 8, 4, 3 and 2 bits,
 * tables of up to 16 values (`nf4`, `fp4_e2m1`, `normal3` …) and floats of 8 bits (`fp8_e4m3`, `fp8_e5m2`), with groups
 * of a multiple of 32 columns, of rows, or one. Symmetric grids and floats keep their values bit for bit; with zero
 * points a value is scale · code + offset, offset = −scale · zero, each rounded to f32; the values of other tables are
 * rounded to 16 bits, 2^-16 of the largest.
 *
 * @throws TesseraError `unsupported` for other tables and groups, and where columns name their groups (act-order)
 */
export function rows8GridPacker(stored: GridFormat): WeightPacker {
  const format = rows8GridFormat(stored)
  if (typeof format === 'string')
    throw new TesseraError(
      'unsupported',
      `rows8GridPacker: ${stored.id}: ${format}; keep such a weight dense, or quantize it to another grid`,
    )
  return {
    source: stored.id,
    device: 'wasm',
    format,
    supports: (shape) => shape.length === 2 || `${format.id} holds matrices`,
    pack: (bytes, shape) => ({
      groups: packRows8Grid(format.layout, unpackMatrix(stored, splitParts(stored, bytes, shape), shape)),
    }),
  }
}

/** The format of such matrices for the WebAssembly kernels, or why there is none. */
export function rows8GridFormat(stored: GridFormat): Rows8Format | string {
  const layout = stored.hasColumnGroups ? 'columns that name their groups are not supported' : layoutOfGrid(stored)
  return typeof layout === 'string' ? layout : createRows8Format(stored.id, layout)
}

/** The part `groups` of a matrix for whose grid `rows8GridFormat` gave the layout. */
export function packRows8Grid(
  layout: Rows8Layout,
  { shape: [rows, columns], grid, codes, scales, zeros }: QuantizedMatrix,
): Uint8Array {
  const groupBytes = groupBytesOf(layout, columns)
  const out = new Uint8Array(Math.ceil(rows / rowsPerGroup) * groupBytes)
  const view = new DataView(out.buffer)
  const perGroup = groupColumns(grid, columns)
  const groups = groupsPerRow(grid, columns)
  const words = new Uint32Array(out.buffer)
  const block = new Uint8Array(columnsPerBlock)
  const blockWords = new Uint32Array(block.buffer)
  // Signed bytes: 128 less than the codes.
  const shift = layout.codes === 'bytes' ? 128 : 0
  const unit = scaleUnit(grid, layout)
  for (let row = 0; row < rows; row++) {
    const group = Math.floor(row / rowsPerGroup) * groupBytes
    const lane = row % rowsPerGroup
    for (let index = 0; index < blocksOf(columns); index++) {
      const first = index * columnsPerBlock
      const p = group + blockOffset(layout, index)
      const at = grid.group === 'tensor' ? 0 : row * groups + Math.floor(first / perGroup)
      const from = row * columns + first
      const count = Math.min(columnsPerBlock, columns - first)
      if (count < columnsPerBlock) block.fill(0)
      for (let i = 0; i < count; i++) block[i] = (codes[from + i] as number) - shift
      writeCodes(layout.codes, blockWords, 0, words, p + headBytesOf(layout), lane)
      writeScale(
        layout,
        view,
        p,
        group + sharedOffset(layout, index),
        lane,
        scales[at] as number,
        zeros ? shift - (zeros[at] as number) : 0,
        unit,
      )
    }
  }
  return out
}

function writeScale(
  { scales }: Rows8Layout,
  view: DataView,
  p: number,
  shared: number,
  lane: number,
  scale: number,
  zero: number,
  unit: number,
): void {
  switch (scales) {
    case 'f16':
      view.setUint16(p + 2 * lane, encodeF16(scale), true)
      break
    case 'shared f16+zero':
      view.setUint8(shared + 16 + lane, -zero)
      view.setUint16(shared + 2 * lane, encodeF16(scale), true)
      break
    case 'shared f16':
      view.setUint16(shared + 2 * lane, encodeF16(scale), true)
      break
    case 'f32+offset':
      view.setFloat32(shared + 32 + 4 * lane, scale * Math.fround(zero), true)
      view.setFloat32(shared + 4 * lane, scale, true)
      break
    default:
      view.setFloat32(shared + 4 * lane, scale * unit, true)
  }
}
