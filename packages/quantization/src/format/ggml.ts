import { ggmlBlockTypes } from './block-types.ts'
import type { EncodableFormat } from './encodable-format.ts'
import { createEncodableBlockFormat, rowEncoders } from './encode/index.ts'

/** The types as formats of packed weights, in the layout of GGUF files: one part `blocks`, u8[N, bytes of a row]. */
export const ggmlFormats: readonly EncodableFormat[] = ggmlBlockTypes.map((type) =>
  createEncodableBlockFormat(
    type,
    rowEncoders.find(({ id }) => id === type.id),
  ),
)

/** The format of ggml's type name in lower case (`q4_k`), or undefined when no ggml block type is called so. */
export function ggmlFormat(id: string): EncodableFormat | undefined {
  return ggmlFormats.find((format) => format.id === id)
}
