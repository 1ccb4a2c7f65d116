import { decodeBF16, decodeFp8E4M3, decodeFp8E5M2 } from '@tessera-llm/tensor'
import { f16At, u16At, u32At } from '../format/block-type.ts'
import { doubledE2M1, iq4Levels } from '../format/nibbles.ts'
import {
  blockOffset,
  codeOffset,
  groupBytesOf,
  hasOffset,
  headBytesOf,
  type Rows8Layout,
  rowsPerGroup,
  sharedOffset,
} from './layout.ts'

/** Values of a packed weight: the product, then the sum, each rounded to f32. */
export function decodeRows8(layout: Rows8Layout, groups: Uint8Array, rows: number, columns: number): Float64Array {
  const out = new Float64Array(rows * columns)
  const groupBytes = groupBytesOf(layout, columns)
  const offsets = hasOffset(layout)
  for (let row = 0; row < rows; row++) {
    const group = Math.floor(row / rowsPerGroup) * groupBytes
    const lane = row % rowsPerGroup
    for (let column = 0; column < columns; column++) {
      const p = group + blockOffset(layout, column >> 5)
      const shared = group + sharedOffset(layout, column >> 5)
      const half = (column >> 4) & 1
      const product = Math.fround(
        scaleAt(layout, groups, p, shared, lane, half) *
          codeAt(layout, groups, p + headBytesOf(layout), lane, column & 31),
      )
      out[row * columns + column] = offsets
        ? Math.fround(product + offsetAt(layout, groups, p, shared, lane, half))
        : product
    }
  }
  return out
}

function scaleAt(
  { scales }: Rows8Layout,
  bytes: Uint8Array,
  p: number,
  shared: number,
  lane: number,
  half: number,
): number {
  const byte = (at: number): number => bytes[at] as number
  switch (scales) {
    case 'f16':
    case 'f16+offset':
      return f16At(bytes, p + 2 * lane)
    case 'bf16':
      return decodeBF16(u16At(bytes, p + 2 * lane))
    case 'e4m3/16':
      return decodeFp8E4M3(byte(p + 8 * half + lane)) / 2
    case 'f32':
    case 'f32+offset':
      return f32At(bytes, shared + 4 * lane)
    case 'shared f16':
    case 'shared f16+zero':
      return f16At(bytes, shared + 2 * lane)
    case 'i8':
    case 'i8/16':
      return Math.fround(
        f16At(bytes, shared + 2 * lane) * ((byte(p + (scales === 'i8' ? 0 : 8 * half) + lane) << 24) >> 24),
      )
    default:
      return Math.fround(f16At(bytes, shared + 2 * lane) * byte(p + (scales === 'u8+offset' ? 0 : 8 * half) + lane))
  }
}

function offsetAt(
  { scales }: Rows8Layout,
  bytes: Uint8Array,
  p: number,
  shared: number,
  lane: number,
  half: number,
): number {
  if (scales === 'f16+offset') return f16At(bytes, p + 16 + 2 * lane)
  if (scales === 'f32+offset') return f32At(bytes, shared + 32 + 4 * lane)
  if (scales === 'shared f16+zero') return -f16At(bytes, shared + 2 * lane) * (bytes[shared + 16 + lane] as number)
  const minimum = bytes[p + (scales === 'u8+offset' ? 8 : 16 + 8 * half) + lane] as number
  return -Math.fround(f16At(bytes, shared + 16 + 2 * lane) * minimum)
}

/** The code of a column less its zero, or what the table has for it. */
function codeAt(
  { codes, zero, levels }: Rows8Layout,
  bytes: Uint8Array,
  at: number,
  lane: number,
  column: number,
): number {
  const byte = (t: number): number => bytes[at + codeOffset(t, lane, column & 3)] as number
  const t = column >> 2
  if (codes === 'bytes') return (byte(t) << 24) >> 24
  if (codes === 'e4m3') return decodeFp8E4M3(byte(t))
  if (codes === 'e5m2') return decodeFp8E5M2(byte(t))
  if (codes === 'crumbs' || codes === 'levels/2' || codes === 'octals' || codes === 'levels/3') {
    const code = codes === 'crumbs' || codes === 'levels/2' ? (byte(t >> 2) >> (2 * (t & 3))) & 3 : octalOf(byte, t)
    return levels ? (levels[code] as number) : code - zero
  }
  const nibble = (byte(t & 3) >> (t < 4 ? 0 : 4)) & 15
  if (codes === 'e2m1') return doubledE2M1[nibble] as number
  if (codes === 'iq4') return iq4Levels[nibble] as number
  if (codes === 'levels') return levels?.[nibble] ?? 0
  const high =
    codes === 'nibbles+1' ? (byte(4) >> t) & 1 : codes === 'nibbles+2' ? (byte(t < 4 ? 4 : 5) >> (2 * (t & 3))) & 3 : 0
  return nibble + 16 * high - zero
}

/** The code of vector `t` from the bytes of the three vectors of octals. */
function octalOf(byte: (vector: number) => number, t: number): number {
  if (t < 6) return (byte(t >> 1) >> (3 * (t & 1))) & 7
  return (byte(t - 6) >> 6) | (((byte(2) >> t) & 1) << 2)
}

function f32At(bytes: Uint8Array, at: number): number {
  word[0] = u32At(bytes, at)
  return float[0] as number
}

const word = new Uint32Array(1)
const float = new Float32Array(word.buffer)
