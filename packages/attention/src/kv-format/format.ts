import { decodeF16, type Format, type Shape, sizeOf, type WeightSpec } from '@tessera-llm/tensor'
import { decodeFp8, decodeGroupElement } from './codes.ts'
import { type GroupBits, groupLayout, groupSize, headerFields, type KvCodes, rowLayout } from './layout.ts'

/**
 * Format of a packed cache of keys or values, `[B, H, rows, D]`, in one part `blocks` of u32 words; see `layout.ts`.
 */
export interface KvFormat extends Format {
  readonly codes: KvCodes
}

/** Format with one scale per row: 8 + 32 / D bits per element. Rows can be written one at a time. */
export function rowFormat(code: 'int8' | 'fp8'): KvFormat {
  return make(`kv-${code}`, { unit: 'row', code })
}

/**
 * Format with groups of 32 tokens: 2, 4 or 8 bits per element and one more for minima and scales, by channel for keys
 * and by token for values (Liu et al. 2024, KIVI, arXiv 2402.02750), plus an f16 ring of `recentRows` rows for tokens
 * not in groups yet.
 */
export function groupFormat(bits: GroupBits, along: 'channel' | 'token', recentRows: number): KvFormat {
  return make(`kv-int${bits}-${along}-r${recentRows}`, { unit: 'group', bits, along, recentRows })
}

/**
 * Codes of a packed cache, or undefined for other weights. Compares ids, so two copies of this package understand each
 * other.
 */
export function kvCodesOf(spec: WeightSpec | undefined): KvCodes | undefined {
  return spec?.kind === 'packed' && spec.format.version === 1 ? parseKvFormat(spec.format.id) : undefined
}

/** Codes that a format id names, or undefined. */
export function parseKvFormat(id: string): KvCodes | undefined {
  const [, code, bits, along, recentRows] = /^kv-(?:(int8|fp8)|int([248])-(channel|token)-r(\d+))$/.exec(id) ?? []
  if (code !== undefined) return { unit: 'row', code: code as 'int8' | 'fp8' }
  return bits === undefined
    ? undefined
    : {
        unit: 'group',
        bits: Number(bits) as GroupBits,
        along: along as 'channel' | 'token',
        recentRows: Number(recentRows),
      }
}

function make(id: string, codes: KvCodes): KvFormat {
  return {
    id,
    version: 1,
    codes,
    parts: (shape) => ({ blocks: { dtype: 'u32', shape: [kvWords(codes, shape)] } }),
    decode({ blocks = new Uint8Array() }, shape) {
      // Copies, because the words must start at a multiple of four bytes.
      const words = new Uint32Array(blocks.slice().buffer)
      return codes.unit === 'row' ? decodeRows(words, shape, codes.code) : decodeGroups(words, shape, codes)
    },
  }
}

/** Number of u32 words of a packed cache of this shape. Throws `invalid-shape` if the head size does not fit. */
export function kvWords(codes: KvCodes, shape: Shape): number {
  return codes.unit === 'row' ? rowLayout(shape).words : groupLayout(shape, codes).words
}

function decodeRows(words: Uint32Array, shape: Shape, code: 'int8' | 'fp8'): Float64Array {
  const width = shape[3] ?? 0
  const { rowWords } = rowLayout(shape)
  const scales = new Float32Array(words.buffer)
  const bytes = new Uint8Array(words.buffer)
  return Float64Array.from({ length: sizeOf(shape) }, (_, index) => {
    const row = Math.floor(index / width)
    const byte = bytes[4 * (row * rowWords + 1) + (index % width)] as number
    return (scales[row * rowWords] as number) * (code === 'int8' ? (byte << 24) >> 24 : decodeFp8(byte))
  })
}

/** Rows that are neither in groups nor recent become NaN: nothing may read them. */
function decodeGroups(words: Uint32Array, shape: Shape, codes: Extract<KvCodes, { unit: 'group' }>): Float64Array {
  const [batch = 0, heads = 0, rows = 0, width = 0] = shape
  const { bits, along, recentRows } = codes
  const { headerWords, groups, codeWords, groupWords, recentAt, recentRowWords } = groupLayout(shape, codes)
  const perWord = 32 / bits
  const halves = new Uint16Array(words.buffer)
  const decoded = new Float64Array(sizeOf(shape)).fill(Number.NaN)
  for (let b = 0; b < batch; b++) {
    const from = words[headerFields * b] as number
    for (let h = 0; h < heads; h++) {
      const head = b * heads + h
      for (let row = 0; row < Math.min(rows, from + recentRows); row++) {
        for (let d = 0; d < width; d++) {
          const at = (head * rows + row) * width + d
          if (row >= from) {
            decoded[at] = decodeF16(
              halves[2 * (recentAt + (head * recentRows + (row % recentRows)) * recentRowWords) + d] as number,
            )
            continue
          }
          const group = headerWords + (head * groups + Math.floor(row / groupSize)) * groupWords
          const t = row % groupSize
          const [word, place] =
            along === 'channel'
              ? [Math.floor(d / perWord) * groupSize + t, d % perWord]
              : [Math.floor(t / perWord) * width + d, t % perWord]
          const code = ((words[group + word] as number) >>> (bits * place)) & (2 ** bits - 1)
          const parameter = words[
            group + codeWords + (along === 'channel' ? d : Math.floor(d / groupSize) * groupSize + t)
          ] as number
          decoded[at] = decodeGroupElement(code, parameter & 0xffff, parameter >>> 16)
        }
      }
    }
  }
  return decoded
}
