import { type Format, formatShape, lastAxis, rowsOf, type Shape, TesseraError, type WeightPacker } from '@tessera-llm/tensor'
import { decodeRows8 } from './decode.ts'
import { type Rows8Kind, rows8Kinds } from './kind.ts'
import { groupBytesOf, type Rows8Layout, rowsPerGroup } from './layout.ts'
import { packRows8 } from './pack.ts'

/** A format that the WebAssembly kernels read: one part `groups`, u8[⌈N / 8⌉, bytes of a group], and how to read them. */
export interface Rows8Format extends Format {
  readonly layout: Rows8Layout
}

/** `<source>/rows8`: matrices that `source` stores, in this layout. */
export function createRows8Format(source: string, layout: Rows8Layout): Rows8Format {
  const id = `${source}/rows8`
  const bytesOf = (shape: Shape): number => Math.ceil(rowsOf(shape) / rowsPerGroup) * groupBytesOf(layout, lastAxis(shape))
  return {
    id,
    version: 1,
    layout,
    parts(shape) {
      if (shape.length !== 2) throw new TesseraError('invalid-shape', `${id}: holds matrices, not ${formatShape(shape)}`)
      return { groups: { dtype: 'u8', shape: [Math.ceil(rowsOf(shape) / rowsPerGroup), groupBytesOf(layout, lastAxis(shape))] } }
    },
    decode(parts, shape) {
      const groups = parts['groups']
      if (groups?.byteLength !== bytesOf(shape)) throw new TesseraError('invalid-shape', `${id}: the part groups takes ${bytesOf(shape)} bytes, got ${groups?.byteLength ?? 'none'}`)
      return decodeRows8(layout, groups, rowsOf(shape), lastAxis(shape))
    },
  }
}

/** The layout of a format that the kernels read, or undefined. */
export function rows8LayoutOf(format: Format): Rows8Layout | undefined {
  return format.version === 1 && format.id.endsWith('/rows8') && 'layout' in format ? (format as Rows8Format).layout : undefined
}

/** Formats of the WebAssembly kernels for ggml's block types. The values are those of the stored type, bit for bit. */
export const rows8Formats: readonly Rows8Format[] = rows8Kinds.map(({ type, layout }) => createRows8Format(type.id, layout))

/** From stored ggml blocks to the layout that the WebAssembly kernels read. */
export const rows8Packers: readonly WeightPacker[] = rows8Kinds.map((kind, index) => ({
  source: kind.type.id,
  device: 'wasm',
  format: rows8Formats[index] as Rows8Format,
  supports: (shape) => fits(kind, shape),
  pack(stored, shape) {
    const fit = fits(kind, shape)
    if (fit !== true) throw new TesseraError('invalid-shape', `pack: ${fit}`)
    const { id, blockBytes, blockSize } = kind.type
    const rows = rowsOf(shape)
    const columns = lastAxis(shape)
    const expected = (rows * columns * blockBytes) / blockSize
    if (stored.byteLength !== expected) throw new TesseraError('invalid-shape', `pack: a ${id} weight of ${formatShape(shape)} takes ${expected} bytes, got ${stored.byteLength}`)
    return { groups: packRows8(kind, stored, rows, columns) }
  },
}))

function fits({ type: { id, blockSize } }: Rows8Kind, shape: Shape): true | string {
  if (shape.length !== 2) return `${id}/rows8 holds matrices, not ${formatShape(shape)}`
  return lastAxis(shape) % blockSize === 0 || `${id} stores rows in blocks of ${blockSize}; the rows of ${formatShape(shape)} have ${lastAxis(shape)} elements`
}
