import { type Block, createBlock, u16At } from '../format/block-type.ts'
import { doubledE2M1, iq4Levels } from '../format/nibbles.ts'
import type { Rows8Kind } from './kind.ts'
import {
  blockBytesOf,
  blockOffset,
  codeOffset,
  columnsPerBlock,
  groupBytesOf,
  hasOffset,
  headBytesOf,
  rowsPerGroup,
  sharedOffset,
} from './layout.ts'
import { writeCodes } from './write-codes.ts'

/**
 * Stored ggml rows [N, K] as groups of 8 rows; rows that are missing in the last group are zero. Every code and scale
 * keeps its bits.
 */
export function packRows8(kind: Rows8Kind, stored: Uint8Array, rows: number, columns: number): Uint8Array {
  const out = new Uint8Array(Math.ceil(rows / rowsPerGroup) * groupBytesOf(kind.layout, columns))
  if (/^q[458]_[01]$/.test(kind.type.id)) packSmallBlocks(kind, stored, rows, columns, out)
  else packBlocks(kind, stored, rows, columns, out)
  return out
}

/**
 * q4_0 … q8_0: [d f16] [m f16] [high bits u32] [16 nibble bytes or 32 codes]. All of it lies at even offsets, so it is
 * moved by 16 and 32 bits: loading a model is mostly this loop.
 */
function packSmallBlocks(kind: Rows8Kind, stored: Uint8Array, rows: number, columns: number, out: Uint8Array): void {
  const aligned = stored.byteOffset % 2 === 0 ? stored : stored.slice()
  const from = new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >> 1)
  const halves = new Uint16Array(out.buffer)
  const words = new Uint32Array(out.buffer)
  const { layout, type } = kind
  const offsets = hasOffset(layout)
  const high = layout.codes === 'nibbles+1'
  const vectors = layout.codes === 'bytes' ? 8 : 4
  const highAt = offsets ? 2 : 1
  const codesAt = highAt + (high ? 2 : 0)
  const blocks = columns / 32
  const sourceHalves = type.blockBytes >> 1
  const blockWords = blockBytesOf(layout) >> 2
  const headWords = headBytesOf(layout) >> 2
  let at = 0
  for (let row = 0; row < rows; row++) {
    const lane = row % rowsPerGroup
    const codeWord = headWords + (codeOffset(0, lane, 0) >> 2)
    let word = Math.floor(row / rowsPerGroup) * blocks * blockWords
    for (let block = 0; block < blocks; block++, at += sourceHalves, word += blockWords) {
      halves[2 * word + lane] = from[at] as number
      if (offsets) halves[2 * word + 8 + lane] = from[at + 1] as number
      let code = word + codeWord
      let half = at + codesAt
      for (let t = 0; t < vectors; t++, code += 8, half += 2)
        words[code] = (from[half] as number) | ((from[half + 1] as number) << 16)
      if (high)
        words[word + codeWord + 32] = spreadHighBits(
          (from[at + highAt] as number) | ((from[at + highAt + 1] as number) << 16),
        )
    }
  }
}

/** The fifth bits of 32 codes, bit 4t + c to bit t of byte c, bit 16 + 4t + c to bit 4 + t. */
function spreadHighBits(bits: number): number {
  let spread = 0
  for (let column = 0; column < 4; column++) {
    let packed = 0
    for (let t = 0; t < 4; t++)
      packed |= (((bits >>> (4 * t + column)) & 1) << t) | (((bits >>> (16 + 4 * t + column)) & 1) << (4 + t))
    spread |= packed << (8 * column)
  }
  return spread
}

/** All other types: blocks are unpacked to codes; how their scales are stored is their own. */
function packBlocks(
  { type, layout }: Rows8Kind,
  stored: Uint8Array,
  rows: number,
  columns: number,
  out: Uint8Array,
): void {
  const block = createBlock(type)
  const codes = new Uint8Array(type.blockSize)
  const codeWords = new Uint32Array(codes.buffer)
  const words = new Uint32Array(out.buffer)
  const index = storedCode(layout.codes, layout.zero)
  const perSource = type.blockSize / columnsPerBlock
  const groupBytes = groupBytesOf(layout, columns)
  const writeScales = scaleWriters[type.id] as ScaleWriter
  let at = 0
  for (let row = 0; row < rows; row++) {
    const group = Math.floor(row / rowsPerGroup) * groupBytes
    const lane = row % rowsPerGroup
    for (let first = 0; first < columns / columnsPerBlock; first += perSource, at += type.blockBytes) {
      type.unpack(stored, at, block)
      for (let i = 0; i < codes.length; i++) codes[i] = index(block.codes[i] as number)
      for (let i = 0; i < perSource; i++) {
        const p = group + blockOffset(layout, first + i)
        writeCodes(layout.codes, codeWords, (columnsPerBlock / 4) * i, words, p + headBytesOf(layout), lane)
        writeScales({
          from: stored,
          at,
          block,
          index: i,
          out,
          p,
          shared: group + sharedOffset(layout, first + i),
          lane,
        })
      }
    }
  }
}

/** Maps an unpacked code to its stored form. */
function storedCode(storage: Rows8Kind['layout']['codes'], zero: number): (code: number) => number {
  const table = storage === 'iq4' ? iq4Levels : storage === 'e2m1' ? doubledE2M1 : undefined
  if (!table) return (code) => code + zero
  const indices = new Map(table.map((value, i) => [value, i] as const).reverse())
  return (code) => indices.get(code) as number
}

interface ScaleSource {
  /** The stored block: bytes, offset, and unpacked. */
  readonly from: Uint8Array
  readonly at: number
  readonly block: Block
  /** Which 32 columns of it. */
  readonly index: number
  /** Destination of the scales: the packed block with its shared fields, and the row's place there. */
  readonly out: Uint8Array
  readonly p: number
  readonly shared: number
  readonly lane: number
}

type ScaleWriter = (source: ScaleSource) => void

/** The 6 bits of scale and of minimum of a group of q4_k and q5_k; see `unpackKScales`. */
const kScales: ScaleWriter = ({ from, at, index, out, p, shared, lane }) => {
  copyHalf(from, at, out, shared + 2 * lane)
  copyHalf(from, at + 2, out, shared + 16 + 2 * lane)
  const quarter = index & 3
  const scale = from[at + 4 + quarter] as number
  const minimum = from[at + 8 + quarter] as number
  const low = from[at + 12 + quarter] as number
  out[p + lane] = index < 4 ? scale & 63 : (low & 15) | ((scale >> 6) << 4)
  out[p + 8 + lane] = index < 4 ? minimum & 63 : (low >> 4) | ((minimum >> 6) << 4)
}

/** An f16 for 256 columns, as f32. */
const ternaryScale: ScaleWriter = ({ block, out, shared, lane }) => {
  word[0] = block.scales[0] as number
  out.set(bytesOfWord, shared + 4 * lane)
}

const scaleWriters: Readonly<Record<string, ScaleWriter>> = {
  q4_k: kScales,
  q5_k: kScales,
  q6_k({ from, at, index, out, p, shared, lane }) {
    copyHalf(from, at + 208, out, shared + 2 * lane)
    out[p + lane] = from[at + 192 + 2 * index] as number
    out[p + 8 + lane] = from[at + 193 + 2 * index] as number
  },
  q2_k({ from, at, index, out, p, shared, lane }) {
    copyHalf(from, at + 80, out, shared + 2 * lane)
    copyHalf(from, at + 82, out, shared + 16 + 2 * lane)
    for (let half = 0; half < 2; half++) {
      const packed = from[at + 2 * index + half] as number
      out[p + 8 * half + lane] = packed & 15
      out[p + 16 + 8 * half + lane] = packed >> 4
    }
  },
  q3_k({ from, at, index, out, p, shared, lane }) {
    copyHalf(from, at + 108, out, shared + 2 * lane)
    for (let group = 2 * index; group < 2 * index + 2; group++) {
      const low = ((from[at + 96 + (group & 7)] as number) >> ((group >> 3) * 4)) & 15
      const high = ((from[at + 104 + (group & 3)] as number) >> ((group >> 2) * 2)) & 3
      out[p + 8 * (group & 1) + lane] = (low | (high << 4)) - 32
    }
  },
  iq4_nl: ({ from, at, out, p, lane }) => copyHalf(from, at, out, p + 2 * lane),
  iq4_xs({ from, at, index, out, p, shared, lane }) {
    copyHalf(from, at, out, shared + 2 * lane)
    const low = ((from[at + 4 + (index >> 1)] as number) >> ((index & 1) * 4)) & 15
    out[p + lane] = (low | (((u16At(from, at + 2) >> (index * 2)) & 3) << 4)) - 32
  },
  tq1_0: ternaryScale,
  tq2_0: ternaryScale,
  mxfp4({ block, out, p, lane }) {
    // A power of two: the upper half of its f32 has all of it, subnormal ones included.
    word[0] = block.scales[0] as number
    out.set(bytesOfWord.subarray(2), p + 2 * lane)
  },
  nvfp4({ from, at, index, out, p, lane }) {
    for (let half = 0; half < 2; half++) {
      const bits = (from[at + 2 * index + half] as number) & 0x7f
      out[p + 8 * half + lane] = bits === 0x7f ? 0 : bits
    }
  },
}

const word = new Float32Array(1)
const bytesOfWord = new Uint8Array(word.buffer)

function copyHalf(from: Uint8Array, at: number, to: Uint8Array, target: number): void {
  to[target] = from[at] as number
  to[target + 1] = from[at + 1] as number
}
