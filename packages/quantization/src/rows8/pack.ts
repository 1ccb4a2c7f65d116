import { codeOffset, blockBytesOf, blockOffset, groupBytesOf, type Rows8Kind, rowsPerGroup } from './kind.ts'

/** Stored ggml rows [N, K] as groups of 8 rows; rows that are missing in the last group are zero. Every code and scale keeps its bits. */
export function packRows8(kind: Rows8Kind, stored: Uint8Array, rows: number, columns: number): Uint8Array {
  const rowBytes = (columns / kind.sourceColumns) * kind.sourceBytes
  const groupBytes = groupBytesOf(kind, columns)
  const out = new Uint8Array(Math.ceil(rows / rowsPerGroup) * groupBytes)
  if (kind.sourceColumns === 32) {
    packSmallBlocks(kind, stored, rows, columns, out)
    return out
  }
  for (let row = 0; row < rows; row++) packRow256(kind, stored, row * rowBytes, columns, out, Math.floor(row / rowsPerGroup) * groupBytes, row % rowsPerGroup)
  return out
}

/**
 * q4_0 … q8_0: [d f16] [m f16] [high bits u32] [16 nibble bytes or 32 codes]. All of it lies at even offsets, so it is moved by 16 and
 * 32 bits: loading a model is mostly this loop.
 */
function packSmallBlocks(kind: Rows8Kind, stored: Uint8Array, rows: number, columns: number, out: Uint8Array): void {
  const aligned = stored.byteOffset % 2 === 0 ? stored : stored.slice()
  const from = new Uint16Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >> 1)
  const halves = new Uint16Array(out.buffer)
  const words = new Uint32Array(out.buffer)
  const high = kind.codes === 'nibbles+1'
  const vectors = kind.codes === 'bytes' ? 8 : 4
  const highAt = kind.hasOffset ? 2 : 1
  const codesAt = highAt + (high ? 2 : 0)
  const blocks = columns / 32
  const sourceHalves = kind.sourceBytes >> 1
  const blockWords = blockBytesOf(kind) >> 2
  const headWords = kind.headBytes >> 2
  let at = 0
  for (let row = 0; row < rows; row++) {
    const lane = row % rowsPerGroup
    const codeWord = headWords + (codeOffset(0, lane, 0) >> 2)
    let word = Math.floor(row / rowsPerGroup) * blocks * blockWords
    for (let block = 0; block < blocks; block++, at += sourceHalves, word += blockWords) {
      halves[2 * word + lane] = from[at] as number
      if (kind.hasOffset) halves[2 * word + 8 + lane] = from[at + 1] as number
      let code = word + codeWord
      let half = at + codesAt
      for (let t = 0; t < vectors; t++, code += 8, half += 2) words[code] = (from[half] as number) | ((from[half + 1] as number) << 16)
      if (high) words[word + codeWord + 32] = spreadHighBits((from[at + highAt] as number) | ((from[at + highAt + 1] as number) << 16))
    }
  }
}

/** The fifth bits of 32 codes, bit 4t + c to bit t of byte c, bit 16 + 4t + c to bit 4 + t. */
function spreadHighBits(bits: number): number {
  let spread = 0
  for (let column = 0; column < 4; column++) {
    let packed = 0
    for (let t = 0; t < 4; t++) packed |= (((bits >>> (4 * t + column)) & 1) << t) | (((bits >>> (16 + 4 * t + column)) & 1) << (4 + t))
    spread |= packed << (8 * column)
  }
  return spread
}

/** q4_k, q5_k, q6_k: super-blocks of 256 columns. */
function packRow256(kind: Rows8Kind, from: Uint8Array, source: number, columns: number, to: Uint8Array, group: number, row: number): void {
  const codes = new Uint8Array(256)
  const unpack = kind.codes === 'nibbles+2' ? unpackQ6K : unpackQ45K
  for (let index = 0; index < columns / 256; index++) {
    const at = source + index * kind.sourceBytes
    unpack(kind, from, at, codes, to, group + blockOffset(kind, 8 * index) - kind.superBytes, row)
    for (let block = 0; block < 8; block++) {
      const p = group + blockOffset(kind, 8 * index + block) + kind.headBytes
      for (let t = 0; t < 4; t++) {
        for (let column = 0; column < 4; column++) {
          const low = codes[32 * block + 4 * t + column] as number
          const upper = codes[32 * block + 16 + 4 * t + column] as number
          to[p + codeOffset(t, row, column)] = (low & 15) | ((upper & 15) << 4)
          const place = p + 128 + codeOffset(0, row, column)
          if (kind.codes === 'nibbles+1') to[place] = (to[place] as number) | ((low >> 4) << t) | ((upper >> 4) << (4 + t))
          else if (kind.codes === 'nibbles+2') {
            to[place] = (to[place] as number) | ((low >> 4) << (2 * t))
            to[place + 32] = (to[place + 32] as number) | ((upper >> 4) << (2 * t))
          }
        }
      }
    }
  }
}

/** Codes of a Q4_K or Q5_K super-block; its scales go to their places in the group. */
function unpackQ45K(kind: Rows8Kind, from: Uint8Array, at: number, codes: Uint8Array, to: Uint8Array, superAt: number, row: number): void {
  const hasHigh = kind.codes === 'nibbles+1'
  copyHalf(from, at, to, superAt + 2 * row)
  copyHalf(from, at + 2, to, superAt + 16 + 2 * row)
  for (let block = 0; block < 8; block++) {
    const p = superAt + kind.superBytes + block * blockBytesOf(kind)
    const quarter = block & 3
    const scale = from[at + 4 + quarter] as number
    const minimum = from[at + 8 + quarter] as number
    const low = from[at + 12 + quarter] as number
    to[p + row] = block < 4 ? scale & 63 : (low & 15) | ((scale >> 6) << 4)
    to[p + 8 + row] = block < 4 ? minimum & 63 : (low >> 4) | ((minimum >> 6) << 4)
    const nibbles = at + (hasHigh ? 48 : 16) + 32 * (block >> 1)
    for (let i = 0; i < 32; i++) {
      const code = ((from[nibbles + i] as number) >> (4 * (block & 1))) & 15
      codes[32 * block + i] = hasHigh ? code | ((((from[at + 16 + i] as number) >> block) & 1) << 4) : code
    }
  }
}

function unpackQ6K(kind: Rows8Kind, from: Uint8Array, at: number, codes: Uint8Array, to: Uint8Array, superAt: number, row: number): void {
  copyHalf(from, at + 208, to, superAt + 2 * row)
  for (let block = 0; block < 8; block++) {
    const p = superAt + kind.superBytes + block * blockBytesOf(kind)
    to[p + row] = from[at + 192 + 2 * block] as number
    to[p + 8 + row] = from[at + 193 + 2 * block] as number
    const half = block >> 2
    const run = block & 3
    for (let i = 0; i < 32; i++) {
      const low = ((from[at + 64 * half + 32 * (run & 1) + i] as number) >> (4 * (run >> 1))) & 15
      codes[32 * block + i] = low | ((((from[at + 128 + 32 * half + i] as number) >> (2 * run)) & 3) << 4)
    }
  }
}

function copyHalf(from: Uint8Array, at: number, to: Uint8Array, target: number): void {
  to[target] = from[at] as number
  to[target + 1] = from[at + 1] as number
}
