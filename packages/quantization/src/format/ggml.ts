import { didYouMean, TesseraError } from '@tessera-llm/tensor'
import { ggmlBlockTypes } from './block-types.ts'
import type { EncodableFormat } from './encodable-format.ts'
import { createEncodableBlockFormat, rowEncoders } from './encode/index.ts'

/** Every ggml block type as a format, stored as in GGUF files: one part `blocks`, u8[N, bytes of a row]. */
export const ggmlFormats: readonly EncodableFormat[] = ggmlBlockTypes.map((type) =>
  createEncodableBlockFormat(
    type,
    rowEncoders.find(({ id }) => id === type.id),
  ),
)

/**
 * The format of a ggml block type, by ggml's type name in lower case (`q4_k`).
 *
 * @throws TesseraError `invalid-option` for any other name, with the nearest one; `findGgmlFormat` is for names that
 *   may be of something else, such as those in a file
 */
export function ggmlFormat(name: string): EncodableFormat {
  const found = findGgmlFormat(name)
  if (found) return found
  const names = ggmlFormats.map(({ id }) => id)
  throw new TesseraError(
    'invalid-option',
    `ggmlFormat: no block type is called ${JSON.stringify(name)}${didYouMean(name, names)} Known are ${names.join(', ')}`,
  )
}

/**
 * The format of a ggml block type, by ggml's type name in lower case (`q4_k`); undefined if no block type has the name.
 */
export function findGgmlFormat(name: string): EncodableFormat | undefined {
  return ggmlFormats.find((format) => format.id === name)
}
