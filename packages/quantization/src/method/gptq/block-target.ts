import { type BlockType, createBlock } from '../../format/block-type.ts'
import { type CodeWriter, createCodeWriter } from '../../format/code-writer.ts'
import type { EncodeNow } from '../../encode/index.ts'
import type { EncodableFormat } from '../../format/encodable-format.ts'
import { nearestEven } from '../../format/encode/rounding.ts'
import type { SweepTarget } from './sweep.ts'

/** A matrix of ggml blocks under construction. */
export interface BlockStore {
  readonly type: BlockType
  readonly format: EncodableFormat
  readonly encode: EncodeNow
  readonly writer: CodeWriter
  readonly columns: number
  /** u8 [rows, columns / blockSize · blockBytes]. */
  readonly blocks: Uint8Array
}

export function createBlockStore(
  type: BlockType,
  format: EncodableFormat,
  encode: EncodeNow,
  rows: number,
  columns: number,
): BlockStore {
  return {
    type,
    format,
    encode,
    writer: createCodeWriter(type),
    columns,
    blocks: new Uint8Array((rows * columns * type.blockBytes) / type.blockSize),
  }
}

/**
 * Rows from `firstRow` on as a target of the sweep. The scales of a block (a superblock with all of its parts) come
 * from its format's own encoder, given the weights as errors so far have moved them, and as importance what an error in
 * each column costs then.
 */
export function blockTarget(
  { type, format, encode, writer, columns, blocks }: BlockStore,
  firstRow: number,
  rows: number,
  order: Int32Array,
): SweepTarget & { readonly store: () => void } {
  const { blockSize, blockBytes, groupSize } = type
  const groups = columns / groupSize
  const rowBytes = (columns / blockSize) * blockBytes
  const scales = new Float32Array(rows * groups)
  const minimums = new Float32Array(rows * groups)
  const codes = new Int8Array(rows * columns)
  const block = createBlock(type)
  const nearest = nearestOf(writer.codes)
  const decoded = (group: number, code: number): number =>
    Math.fround(Math.fround((scales[group] as number) * code) - (minimums[group] as number))
  return {
    width: blockSize,
    fit(start, count, weights, offset, stride, costs) {
      const first = Math.floor((order[start] as number) / blockSize)
      const values = new Float32Array(rows * blockSize)
      const importance = new Float32Array(blockSize)
      for (let i = 0; i < count; i++) {
        const column = (order[start + i] as number) - first * blockSize
        importance[column] = costs[i] as number
        for (let row = 0; row < rows; row++)
          values[row * blockSize + column] = weights[row * stride + offset + i] as number
      }
      const encoded = encode(format, values, [rows, blockSize], { importance })['blocks'] as Uint8Array
      for (let row = 0; row < rows; row++) {
        const at = (firstRow + row) * rowBytes + first * blockBytes
        blocks.set(encoded.subarray(row * blockBytes, (row + 1) * blockBytes), at)
        type.unpack(blocks, at, block)
        scales.set(block.scales, row * groups + (first * blockSize) / groupSize)
        minimums.set(block.minimums, row * groups + (first * blockSize) / groupSize)
      }
    },
    round(row, position, weight) {
      const column = order[position] as number
      const group = row * groups + Math.floor(column / groupSize)
      const scale = scales[group] as number
      const code = scale === 0 ? nearest(0) : nearest((weight + (minimums[group] as number)) / scale)
      codes[row * columns + column] = code
      return decoded(group, code)
    },
    value(row, position) {
      const column = order[position] as number
      return decoded(row * groups + Math.floor(column / groupSize), codes[row * columns + column] as number)
    },
    store() {
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column += blockSize) {
          writer.write(
            codes.subarray(row * columns + column, row * columns + column + blockSize),
            blocks,
            (firstRow + row) * rowBytes + (column / blockSize) * blockBytes,
          )
        }
      }
    },
  }
}

/** The nearest of some rising values. */
function nearestOf(codes: readonly number[]): (value: number) => number {
  const first = codes[0] as number
  const last = codes.at(-1) as number
  if (last - first === codes.length - 1) return (value) => Math.min(Math.max(nearestEven(value), first), last)
  const middles = codes.slice(1).map((code, i) => (code + (codes[i] as number)) / 2)
  return (value) => {
    let index = 0
    while (index < middles.length && value > (middles[index] as number)) index++
    return codes[index] as number
  }
}
