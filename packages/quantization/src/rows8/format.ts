import { type Format, formatShape, lastAxis, rowsOf, type Shape, TesseraError, type WeightPacker } from '@tessera-llm/tensor'
import { f16At } from '../format/block-type.ts'
import { blockOffset, codeOffset, groupBytesOf, type Rows8Kind, rows8Kinds, rowsPerGroup } from './kind.ts'
import { packRows8 } from './pack.ts'

/** Formats of the WebAssembly kernels: one part `groups`, u8[⌈N / 8⌉, bytes of a group]. The values are those of the stored type, bit for bit. */
export const rows8Formats: readonly Format[] = rows8Kinds.map(createRows8Format)

/** From stored ggml blocks to the layout that the WebAssembly kernels read. */
export const rows8Packers: readonly WeightPacker[] = rows8Kinds.map((kind, index) => ({
  source: kind.source,
  device: 'wasm',
  format: rows8Formats[index] as Format,
  supports: (shape) => fits(kind, shape),
  pack(stored, shape) {
    const rows = rowsOf(shape)
    const columns = lastAxis(shape)
    const expected = (rows * columns * kind.sourceBytes) / kind.sourceColumns
    if (stored.byteLength !== expected) throw new TesseraError('invalid-shape', `pack: a ${kind.source} weight of ${formatShape(shape)} takes ${expected} bytes, got ${stored.byteLength}`)
    return { groups: packRows8(kind, stored, rows, columns) }
  },
}))

function fits({ source, sourceColumns }: Rows8Kind, shape: Shape): true | string {
  if (shape.length !== 2) return `${source}/rows8 holds matrices, not ${formatShape(shape)}`
  return lastAxis(shape) % sourceColumns === 0 || `${source} stores rows in blocks of ${sourceColumns}; the rows of ${formatShape(shape)} have ${lastAxis(shape)} elements`
}

function createRows8Format(kind: Rows8Kind): Format {
  const id = `${kind.source}/rows8`
  return {
    id,
    version: 1,
    parts(shape) {
      const fit = fits(kind, shape)
      if (fit !== true) throw new TesseraError('invalid-shape', `${id}: ${fit}`)
      return { groups: { dtype: 'u8', shape: [Math.ceil(rowsOf(shape) / rowsPerGroup), groupBytesOf(kind, lastAxis(shape))] } }
    },
    decode(parts, shape) {
      const groups = parts['groups']
      const expected = Math.ceil(rowsOf(shape) / rowsPerGroup) * groupBytesOf(kind, lastAxis(shape))
      if (groups?.byteLength !== expected) throw new TesseraError('invalid-shape', `${id}: the part groups takes ${expected} bytes, got ${groups?.byteLength ?? 'none'}`)
      return decodeRows8(kind, groups, rowsOf(shape), lastAxis(shape))
    },
  }
}

/** Values with the roundings of the stored type: the product, then the sum, each to f32. */
function decodeRows8(kind: Rows8Kind, groups: Uint8Array, rows: number, columns: number): Float64Array {
  const out = new Float64Array(rows * columns)
  const groupBytes = groupBytesOf(kind, columns)
  for (let row = 0; row < rows; row++) {
    const group = Math.floor(row / rowsPerGroup) * groupBytes
    const lane = row % rowsPerGroup
    for (let column = 0; column < columns; column++) {
      const p = group + blockOffset(kind, column >> 5)
      const product = Math.fround(scaleAt(kind, groups, group, p, lane, column) * codeAt(kind, groups, p + kind.headBytes, lane, column & 31))
      out[row * columns + column] = kind.hasOffset ? Math.fround(product + offsetAt(kind, groups, group, p, lane, column)) : product
    }
  }
  return out
}

/** Offset of the super-block's scales. */
function superAt(kind: Rows8Kind, group: number, column: number): number {
  return group + blockOffset(kind, (column >> 8) * 8) - kind.superBytes
}

function scaleAt(kind: Rows8Kind, bytes: Uint8Array, group: number, p: number, lane: number, column: number): number {
  if (kind.superBytes === 0) return f16At(bytes, p + 2 * lane)
  const d = f16At(bytes, superAt(kind, group, column) + 2 * lane)
  // The signed scales of q6_k belong to 16 columns each.
  if (kind.codes === 'nibbles+2') return Math.fround(d * (((bytes[p + ((column & 16) >> 1) + lane] as number) << 24) >> 24))
  return Math.fround(d * (bytes[p + lane] as number))
}

function offsetAt(kind: Rows8Kind, bytes: Uint8Array, group: number, p: number, lane: number, column: number): number {
  if (kind.superBytes === 0) return f16At(bytes, p + 16 + 2 * lane)
  return -Math.fround(f16At(bytes, superAt(kind, group, column) + 16 + 2 * lane) * (bytes[p + 8 + lane] as number))
}

function codeAt(kind: Rows8Kind, bytes: Uint8Array, codes: number, lane: number, column: number): number {
  if (kind.codes === 'bytes') return ((bytes[codes + codeOffset(column >> 2, lane, column & 3)] as number) << 24) >> 24
  const isUpper = column >= 16
  const t = (column & 15) >> 2
  const nibble = ((bytes[codes + codeOffset(t, lane, column & 3)] as number) >> (isUpper ? 4 : 0)) & 15
  const highAt = codes + 128 + codeOffset(0, lane, column & 3)
  let high = 0
  if (kind.codes === 'nibbles+1') high = ((bytes[highAt] as number) >> (isUpper ? 4 + t : t)) & 1
  else if (kind.codes === 'nibbles+2') high = ((bytes[highAt + (isUpper ? 32 : 0)] as number) >> (2 * t)) & 3
  return nibble + 16 * high - kind.zeroPoint
}
