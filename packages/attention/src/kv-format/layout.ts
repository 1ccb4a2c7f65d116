import { formatShape, type Shape, TesseraError } from '@tessera-llm/tensor'

/** Elements that share a scale: tokens of a channel, or channels of a token. */
export const groupSize = 32

/** Bits per code in groups. */
export type GroupBits = 2 | 4 | 8

/**
 * Kind of codes: rows with one scale each, or groups of 32 tokens with a minimum and a scale per channel or per token.
 */
export type KvCodes =
  | { readonly unit: 'row'; readonly code: 'int8' | 'fp8' }
  | {
      readonly unit: 'group'
      readonly bits: GroupBits
      readonly along: 'channel' | 'token'
      readonly recentRows: number
    }

/** Layout of rows in u32 words: a scale (f32), then D codes of a byte. */
export interface RowLayout {
  readonly rowWords: number
  readonly words: number
}

/**
 * Layout of groups in u32 words: a header; then the groups of each head, each with codes and parameters; then the f16
 * ring of recent rows of each head. A parameter is a minimum (low half) and a scale, both f16. By channel: word (c, t)
 * of [D · bits / 32][32 tokens] holds token t, channel 32 / bits · c + i at bit `bits` · i; parameters [D]. By token:
 * word (s, c) of [bits][D] holds channel c, token 32 / bits · s + i; parameters [⌈D / 32⌉][32 tokens].
 */
export interface GroupLayout {
  readonly headerWords: number
  /** Groups per head. */
  readonly groups: number
  readonly codeWords: number
  readonly groupWords: number
  readonly recentAt: number
  readonly recentRowWords: number
  readonly words: number
}

/** Header words per sequence: the first token not in groups, now and before the current step. */
export const headerFields = 2

/** Layout of a cache in rows, for shape [B, H, C, D]. */
export function rowLayout(shape: Shape): RowLayout {
  const [batch = 0, heads = 0, rows = 0, width = 0] = checkShape(shape, 4, 'rows of bytes')
  const rowWords = 1 + width / 4
  return { rowWords, words: batch * heads * rows * rowWords }
}

/** Layout of a cache in groups, for shape [B, H, C, D]. */
export function groupLayout(
  shape: Shape,
  { bits, along, recentRows }: Extract<KvCodes, { unit: 'group' }>,
): GroupLayout {
  const [batch = 0, heads = 0, rows = 0, width = 0] = checkShape(
    shape,
    along === 'channel' ? 32 / bits : 4,
    `${bits}-bit groups along ${along}s`,
  )
  const headerWords = Math.ceil((headerFields * batch) / 4) * 4
  const groups = Math.ceil(rows / groupSize)
  const codeWords = width * bits
  const groupWords = codeWords + (along === 'channel' ? width : groupSize * Math.ceil(width / groupSize))
  const recentAt = headerWords + batch * heads * groups * groupWords
  return {
    headerWords,
    groups,
    codeWords,
    groupWords,
    recentAt,
    recentRowWords: width / 2,
    words: recentAt + (batch * heads * recentRows * width) / 2,
  }
}

function checkShape(shape: Shape, multiple: number, what: string): Shape {
  if (shape.length !== 4)
    throw new TesseraError(
      'invalid-shape',
      `kv-format: a cache has the axes [B, H, rows, D], not ${formatShape(shape)}`,
    )
  if ((shape[3] ?? 0) % multiple !== 0)
    throw new TesseraError(
      'invalid-shape',
      `kv-format: ${what} need a head size that is a multiple of ${multiple}, not ${shape[3]}; use another kind of cache`,
    )
  return shape
}
