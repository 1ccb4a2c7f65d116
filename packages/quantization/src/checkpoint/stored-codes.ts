import type { StoredCodes } from '@tessera-llm/formats'
import { specBytes } from '@tessera-llm/tensor'
import type { GridFormat } from '../grid-format/index.ts'
import { type Grid, groupsPerRow, type QuantizedMatrix } from '../quantized-matrix/index.ts'
import { packRows8Grid, rows8GridFormat } from '../rows8/index.ts'

/**
 * The share of the decoded bytes that codes may take. Tokens are decoded as fast by codes of 2 to 4 bits as by blocks,
 * but codes are laid out in JavaScript, so that loading takes longer: docs/lab-log.md.
 */
const worthwhile = 0.8

/**
 * WebAssembly gets a matrix in codes where its kernels compute on the grid exactly, and in much less memory than the
 * `decodedBytes` in which it is shown otherwise.
 */
export function storedCodes(
  format: GridFormat,
  shape: readonly [rows: number, columns: number],
  decodedBytes: number,
  read: (signal?: AbortSignal) => Promise<QuantizedMatrix>,
): StoredCodes | undefined {
  const rows8 = rows8GridFormat(format)
  if (
    typeof rows8 === 'string' ||
    !isExact(format.grid) ||
    specBytes({ kind: 'packed', format: rows8, shape }) > worthwhile * decodedBytes
  )
    return undefined
  return {
    formatFor: (device) => (device === 'wasm' ? rows8 : undefined),
    async pack(_, ranges, signal) {
      const whole = await read(signal)
      return { groups: packRows8Grid(rows8.layout, ranges ? rowsOf(whole, ranges) : whole) }
    },
  }
}

/**
 * Whether scale · code + offset, as the WebAssembly kernels have it, is scale · (code − zero) to the bit: products of 8
 * bits and scales of f16 and bf16 are f32, those of others are rounded.
 */
function isExact(grid: Grid): boolean {
  return (
    (grid.kind === 'integer' && grid.isSymmetric) ||
    (grid.kind === 'codebook' && grid.id === 'fp8_e4m3') ||
    grid.scaleType === 'f16' ||
    grid.scaleType === 'bf16'
  )
}

/** The rows of `ranges`, one range after the other. */
function rowsOf(
  { shape: [, columns], grid, codes, scales, zeros, groupOfColumn }: QuantizedMatrix,
  ranges: readonly (readonly [begin: number, end: number])[],
): QuantizedMatrix {
  const joined = <T extends Uint8Array | Float32Array>(values: T, width: number): T => {
    const pieces = ranges.map(([begin, end]) => values.subarray(begin * width, end * width))
    const out = values.slice(
      0,
      pieces.reduce((sum, piece) => sum + piece.length, 0),
    ) as T
    let at = 0
    for (const piece of pieces) {
      out.set(piece, at)
      at += piece.length
    }
    return out
  }
  const perScale = <T extends Float32Array | undefined>(values: T): T =>
    values && grid.group !== 'tensor' ? (joined(values, groupsPerRow(grid, columns)) as T) : values
  return {
    shape: [ranges.reduce((sum, [begin, end]) => sum + end - begin, 0), columns],
    grid,
    codes: joined(codes, columns),
    scales: perScale(scales),
    zeros: perScale(zeros),
    groupOfColumn,
  }
}
