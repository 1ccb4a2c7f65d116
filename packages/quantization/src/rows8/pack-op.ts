import { denseSpec, formatShape, type Op, sizeOf, type Tensor, TesseraError } from '@tessera-llm/tensor'
import { rows8Kinds, type Rows8Kind } from './kind.ts'
import { groupBytesOf, rowsPerGroup } from './layout.ts'
import { packRows8 } from './pack.ts'

/**
 * Inputs of `pack-rows8`: stored ggml blocks of some rows, u8; and the packed weight's part `groups`, u8 (written in
 * place).
 */
export type PackRows8Inputs = {
  readonly stored: Tensor
  readonly groups: Tensor
}

/** Options of `pack-rows8`: the block type, and the rows of the weight that are packed. */
export type PackRows8Options = {
  /** Id of the ggml block type: `q4_1`. */
  readonly source: string
  readonly columns: number
  /** A multiple of 8. */
  readonly firstRow: number
  readonly rows: number
}

/**
 * Packs `rows` rows of ggml blocks, which lie at the beginning of `stored` u8[S], as those from `firstRow` on of a
 * weight in rows of eight, `groups` u8[⌈N / 8⌉, bytes of a group] (written in place). Rows that the last group lacks
 * become zeros. Every code and scale keeps its bits.
 */
export const packRows8Op: Op<PackRows8Inputs, Record<string, never>, PackRows8Options> = {
  id: 'pack-rows8',
  version: 1,
  package: '@tessera-llm/quantization',
  writes: ['groups'],
  validate(inputs, options) {
    const { source, columns, firstRow, rows } = options
    const stored = denseSpec(inputs.stored, 'pack-rows8', 'stored')
    const groups = denseSpec(inputs.groups, 'pack-rows8', 'groups')
    const { type, layout } = kindOf(source)
    if (stored.dtype !== 'u8' || groups.dtype !== 'u8')
      throw new TesseraError(
        'invalid-dtype',
        `pack-rows8: stored and groups must be u8, not ${stored.dtype} and ${groups.dtype}`,
      )
    if (columns % type.blockSize !== 0)
      throw new TesseraError(
        'invalid-shape',
        `pack-rows8: ${source} stores rows in blocks of ${type.blockSize}, not rows of ${columns}`,
      )
    const [count = 0, bytes = 0] = groups.shape
    if (groups.shape.length !== 2 || bytes !== groupBytesOf(layout, columns)) {
      throw new TesseraError(
        'invalid-shape',
        `pack-rows8: groups must be [G, ${groupBytesOf(layout, columns)}] for ${columns} columns of ${source}, not ${formatShape(groups.shape)}`,
      )
    }
    if (firstRow % rowsPerGroup !== 0 || firstRow < 0 || rows < 0 || firstRow + rows > count * rowsPerGroup) {
      throw new TesseraError(
        'invalid-option',
        `pack-rows8: rows ${firstRow} to ${firstRow + rows} must begin at a multiple of ${rowsPerGroup} and lie in the ${count} groups`,
      )
    }
    if (rows * storedRowBytes(source, columns) > sizeOf(stored.shape))
      throw new TesseraError(
        'invalid-shape',
        `pack-rows8: ${rows} rows take ${rows * storedRowBytes(source, columns)} bytes, stored has ${sizeOf(stored.shape)}`,
      )
    return {}
  },
  tolerance: () => ({ atol: 0, rtol: 0, nmse: 0 }),
  cost({ options: { source, columns, rows } }) {
    return {
      flops: 0,
      bytesRead: rows * storedRowBytes(source, columns),
      bytesWritten: Math.ceil(rows / rowsPerGroup) * groupBytesOf(kindOf(source).layout, columns),
    }
  },
  reference({ stored, groups }, { source, columns, firstRow, rows }) {
    const kind = kindOf(source)
    const packed = packRows8(
      kind,
      Uint8Array.from(stored.data.subarray(0, rows * storedRowBytes(source, columns))),
      rows,
      columns,
    )
    groups.data.set(packed, (firstRow / rowsPerGroup) * groupBytesOf(kind.layout, columns))
    return {}
  },
}

/** Types whose packing the WebAssembly kernel knows. */
export function packsOnDevice(source: string): boolean {
  return /^q([458]_[01]|[456]_k)$/.test(source)
}

export function kindOf(source: string): Rows8Kind {
  const kind = rows8Kinds.find(({ type }) => type.id === source)
  if (!kind)
    throw new TesseraError('invalid-option', `pack-rows8: ${JSON.stringify(source)} is no block type in rows of eight`)
  return kind
}

function storedRowBytes(source: string, columns: number): number {
  const { blockBytes, blockSize } = kindOf(source).type
  return (columns / blockSize) * blockBytes
}
