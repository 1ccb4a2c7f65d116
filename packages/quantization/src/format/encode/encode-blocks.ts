import { lastAxis, rowsOf, type Shape, TesseraError } from '@tessera-llm/tensor'
import { createBlockFormat, rowBytesOf } from '../block-format.ts'
import type { BlockType } from '../block-type.ts'
import { checkImportance, checkValues, type EncodableFormat, type EncodeOptions } from '../encodable-format.ts'
import { createScratch, type RowEncoder } from './row-encoder.ts'

/** The format of a block type together with its encoder; without one, `encode` throws `unsupported`. */
export function createEncodableBlockFormat(type: BlockType, encoder: RowEncoder | undefined): EncodableFormat {
  return {
    ...createBlockFormat(type),
    encode(values, shape, options = {}) {
      if (!encoder) {
        throw new TesseraError(
          'unsupported',
          `${type.id}: blocks of this type can be read and not made, since their grids need a search that is not worth its time; ${alternativeTo(type)} instead`,
        )
      }
      return { blocks: encodeRows(type, encoder, values, shape, options) }
    },
  }
}

function encodeRows(
  type: BlockType,
  encoder: RowEncoder,
  values: Float32Array,
  shape: Shape,
  { importance }: EncodeOptions,
): Uint8Array {
  const rowBytes = rowBytesOf(type, shape)
  const columns = lastAxis(shape)
  checkValues(type.id, values, shape)
  if (importance) checkImportance(type.id, importance, columns)
  const rows = rowsOf(shape)
  const out = new Uint8Array(rows * rowBytes)
  const scratch = createScratch()
  for (let row = 0; row < rows; row++)
    encoder.encodeRow(values, row * columns, columns, importance, out, row * rowBytes, scratch)
  return out
}

/** Encodable types of nearly the same size. */
function alternativeTo({ blockBytes }: BlockType): string {
  if (blockBytes > 90) return 'use q3_k or iq4_xs'
  return blockBytes > 60 ? 'use q2_k, with an importance matrix' : 'use tq1_0 for ternary weights, or q2_k'
}
