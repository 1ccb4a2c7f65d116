import { type Format, formatShape, lastAxis, rowsOf, type Shape, sizeOf, TesseraError } from '@tessera-llm/tensor'
import { type BlockType, createBlock } from './block-type.ts'

/** A format whose values are exact in f32. */
export interface BlockFormat extends Format {
  /** The values of `decode` as f32, in half the memory and less time. */
  decodeF32(parts: Readonly<Record<string, Uint8Array>>, shape: Shape): Float32Array<ArrayBuffer>
}

/**
 * The format of a weight [N, K] stored as a GGUF file stores it: one part `blocks`, u8[N, K / blockSize · blockBytes].
 */
export function createBlockFormat(type: BlockType): BlockFormat {
  const bytesOf = (parts: Readonly<Record<string, Uint8Array>>, shape: Shape): Uint8Array =>
    blocksOf(type.id, parts, rowsOf(shape) * rowBytesOf(type, shape))
  return {
    id: type.id,
    version: 1,
    parts: (shape) => ({ blocks: { dtype: 'u8', shape: [rowsOf(shape), rowBytesOf(type, shape)] } }),
    decode: (parts, shape) => decodeRows(type, bytesOf(parts, shape), new Float64Array(sizeOf(shape))),
    decodeF32(parts, shape) {
      const out = new Float32Array(sizeOf(shape))
      if (!type.decode) return decodeRows(type, bytesOf(parts, shape), out)
      type.decode(bytesOf(parts, shape), out)
      return out
    },
  }
}

/** `true`, or why a weight of this shape has no whole blocks. */
export function fitsBlocks(type: BlockType, shape: Shape): true | string {
  return (
    lastAxis(shape) % type.blockSize === 0 ||
    `${type.id} stores rows in blocks of ${type.blockSize}; the rows of ${formatShape(shape)} have ${lastAxis(shape)} elements`
  )
}

/** Stored bytes of one row; throws `invalid-shape` when the row has no whole blocks. */
export function rowBytesOf(type: BlockType, shape: Shape): number {
  const fits = fitsBlocks(type, shape)
  if (fits !== true) throw new TesseraError('invalid-shape', `${type.id}: ${fits}; choose a type of smaller blocks`)
  return (lastAxis(shape) / type.blockSize) * type.blockBytes
}

/** The part `blocks`, checked to have the expected length. */
export function blocksOf(id: string, parts: Readonly<Record<string, Uint8Array>>, expected: number): Uint8Array {
  const blocks = parts['blocks']
  if (blocks?.byteLength !== expected)
    throw new TesseraError(
      'invalid-shape',
      `${id}: the part blocks takes ${expected} bytes, got ${blocks?.byteLength ?? 'none'}`,
    )
  return blocks
}

/** Exact values of whole stored rows, row-major. */
function decodeRows<Values extends Float64Array | Float32Array>(
  type: BlockType,
  bytes: Uint8Array,
  out: Values,
): Values {
  const block = createBlock(type)
  const { codes, scales, minimums } = block
  const { blockSize, blockBytes, groupSize, hasMinimum } = type
  let offset = 0
  for (let at = 0; at < out.length; at += blockSize) {
    type.unpack(bytes, offset, block)
    offset += blockBytes
    for (let group = 0; group < scales.length; group++) {
      const scale = scales[group] as number
      const minimum = minimums[group] as number
      const end = (group + 1) * groupSize
      for (let i = group * groupSize; i < end; i++) {
        const product = Math.fround(scale * (codes[i] as number))
        out[at + i] = hasMinimum ? Math.fround(product - minimum) : product
      }
    }
  }
  return out
}
