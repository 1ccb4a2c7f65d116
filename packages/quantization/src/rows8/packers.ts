import {
  type DevicePacking,
  formatShape,
  lastAxis,
  rowsOf,
  type Shape,
  type Tensor,
  TesseraError,
  type WeightPacker,
} from '@tessera-llm/tensor'
import { createRows8Format, type Rows8Format } from './format.ts'
import { type Rows8Kind, rows8Kinds } from './kind.ts'
import { rowsPerGroup } from './layout.ts'
import { packRows8 } from './pack.ts'
import { packRows8Op, packsOnDevice } from './pack-op.ts'

/** Formats of the WebAssembly kernels for ggml's block types. The values are those of the stored type, bit for bit. */
export const rows8Formats: readonly Rows8Format[] = rows8Kinds.map(({ type, layout }) =>
  createRows8Format(type.id, layout),
)

/** Packers from stored ggml blocks to the layout that the WebAssembly kernels read. */
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
    if (stored.byteLength !== expected)
      throw new TesseraError(
        'invalid-shape',
        `pack: a ${id} weight of ${formatShape(shape)} takes ${expected} bytes, got ${stored.byteLength}`,
      )
    return { groups: packRows8(kind, stored, rows, columns) }
  },
  onDevice: packsOnDevice(kind.type.id) ? devicePacking(kind.type.id) : undefined,
}))

function devicePacking(source: string): DevicePacking {
  return {
    rowStep: rowsPerGroup,
    packRows(stored, { groups }, shape, firstRow, rows) {
      stored.device.run(
        packRows8Op,
        { stored, groups: groups as Tensor },
        { source, columns: lastAxis(shape), firstRow, rows },
      )
    },
  }
}

function fits({ type: { id, blockSize } }: Rows8Kind, shape: Shape): true | string {
  if (shape.length !== 2) return `${id}/rows8 holds matrices, not ${formatShape(shape)}`
  return (
    lastAxis(shape) % blockSize === 0 ||
    `${id} stores rows in blocks of ${blockSize}; the rows of ${formatShape(shape)} have ${lastAxis(shape)} elements`
  )
}
