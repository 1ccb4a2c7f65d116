import { type Format, formatShape, lastAxis, rowsOf, type Shape, TesseraError } from '@tessera-llm/tensor'
import { decodeRows8 } from './decode.ts'
import { groupBytesOf, type Rows8Layout, rowsPerGroup } from './layout.ts'

/**
 * A format that the WebAssembly kernels read: one part `groups`, u8[⌈N / 8⌉, bytes of a group], and how to read them.
 */
export interface Rows8Format extends Format {
  readonly layout: Rows8Layout
}

/** `<source>/rows8`: matrices that `source` stores, in this layout. */
export function createRows8Format(source: string, layout: Rows8Layout): Rows8Format {
  const id = `${source}/rows8`
  const bytesOf = (shape: Shape): number =>
    Math.ceil(rowsOf(shape) / rowsPerGroup) * groupBytesOf(layout, lastAxis(shape))
  return {
    id,
    version: 1,
    layout,
    parts(shape) {
      if (shape.length !== 2)
        throw new TesseraError('invalid-shape', `${id}: holds matrices, not ${formatShape(shape)}`)
      return {
        groups: {
          dtype: 'u8',
          shape: [Math.ceil(rowsOf(shape) / rowsPerGroup), groupBytesOf(layout, lastAxis(shape))],
        },
      }
    },
    decode(parts, shape) {
      const groups = parts['groups']
      if (groups?.byteLength !== bytesOf(shape))
        throw new TesseraError(
          'invalid-shape',
          `${id}: the part groups takes ${bytesOf(shape)} bytes, got ${groups?.byteLength ?? 'none'}`,
        )
      return decodeRows8(layout, groups, rowsOf(shape), lastAxis(shape))
    },
  }
}

/** The layout of a format that the kernels read, or undefined. */
export function rows8LayoutOf(format: Format): Rows8Layout | undefined {
  return format.version === 1 && format.id.endsWith('/rows8') && 'layout' in format
    ? (format as Rows8Format).layout
    : undefined
}
