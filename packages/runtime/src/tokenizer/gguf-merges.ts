import { stringAt, type StringTable } from '@tessera-llm/formats'
import { TesseraError } from '@tessera-llm/tensor'
import type { RankOf } from './merge.ts'
import { createStringIndex, type StringIndex } from './string-index.ts'

/** The metadata field of merges, for messages. */
export const mergesField = 'tokenizer.ggml.merges'

const space = 0x20

/**
 * The rank of each merge `"left right"`, except merges that result in a control token, which text never spells. A
 * merge's result must be a token; merges of parts that are no tokens never apply. Loading waits for this check, which
 * therefore compares bytes without creating strings.
 *
 * @throws TesseraError `invalid-file`
 */
export function readRanks(merges: StringTable, tokens: StringIndex, isControl: (id: number) => boolean): RankOf {
  const inOrder = ranksInOrder(merges, tokens, isControl)
  // If the vocabulary has duplicates, a lookup may find another token than the one at the merge's position.
  if (inOrder) {
    let searched: RankOf | undefined
    return (left, right) =>
      (searched ??= tokens.isUnique() ? inOrder : checkedRanks(merges, tokens, isControl))(left, right)
  }
  return checkedRanks(merges, tokens, isControl)
}

/**
 * Most vocabularies list the results of merges in the order of the merges, so that the token id gives the rank.
 * Undefined if any merge breaks that order.
 */
function ranksInOrder(
  merges: StringTable,
  tokens: StringIndex,
  isControl: (id: number) => boolean,
): RankOf | undefined {
  const { length, bytes, starts, ends } = merges
  const { table } = tokens
  const { bytes: tokenBytes, starts: tokenStarts, ends: tokenEnds } = table
  const first = length === 0 ? -1 : positionOf(joinedAt(merges, 0), table)
  if (first < 0 || first + length > table.length) return undefined
  /** Length in bytes of each left part. */
  const widths = new Uint32Array(length)
  for (let rank = 0; rank < length; rank++) {
    const begin = starts[rank] as number
    const end = ends[rank] as number
    const tokenEnd = tokenEnds[first + rank] as number
    let to = tokenStarts[first + rank] as number
    let middle = begin
    for (let at = begin; at < end; at++) {
      const byte = bytes[at] as number
      if (byte !== space) {
        if (to === tokenEnd || tokenBytes[to] !== byte) return undefined
        to += 1
      } else if (middle > begin) return undefined
      else middle = at
    }
    if (to !== tokenEnd || middle === begin || middle === end - 1) return undefined
    widths[rank] = middle - begin
  }
  return (left, right) => {
    const id = tokens.find(left + right)
    if (id === undefined || id < first || id - first >= length || isControl(id)) return undefined
    return widths[id - first] === utf8Length(left) ? id - first : undefined
  }
}

function checkedRanks(merges: StringTable, tokens: StringIndex, isControl: (id: number) => boolean): RankOf {
  const { bytes, starts, ends } = merges
  for (let rank = 0; rank < merges.length; rank++) {
    const begin = starts[rank] as number
    const end = ends[rank] as number
    const middle = indexOfSpace(bytes, begin, end)
    if (middle === begin || middle >= end - 1 || indexOfSpace(bytes, middle + 1, end) < end)
      refuse(merges, rank, 'which is no pair of tokens')
    if (tokens.findJoined(bytes, begin, middle, middle + 1, end) === undefined)
      refuse(merges, rank, `but ${JSON.stringify(joinedAt(merges, rank))} is not in tokenizer.ggml.tokens`)
  }
  const ranks = createStringIndex(merges)
  return (left, right) => {
    const rank = ranks.find(`${left} ${right}`)
    return rank === undefined || isControl(tokens.find(left + right) as number) ? undefined : rank
  }
}

function joinedAt(merges: StringTable, rank: number): string {
  return stringAt(merges, rank).replace(' ', '')
}

/** −1 if absent. */
function positionOf(text: string, { length, bytes, starts, ends }: StringTable): number {
  const wanted = new TextEncoder().encode(text)
  for (let position = 0; position < length; position++) {
    const start = starts[position] as number
    if (
      (ends[position] as number) - start === wanted.length &&
      wanted.every((byte, index) => bytes[start + index] === byte)
    )
      return position
  }
  return -1
}

/** `end` if absent. */
function indexOfSpace(bytes: Uint8Array, begin: number, end: number): number {
  let at = begin
  while (at < end && bytes[at] !== space) at += 1
  return at
}

/** Length in UTF-8 of a token's text, which has no lone surrogates. */
function utf8Length(text: string): number {
  let length = text.length
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    // A surrogate pair takes four bytes: two for each half.
    if (code >= 0x80) length += code < 0x800 || (code >= 0xd800 && code < 0xe000) ? 1 : 2
  }
  return length
}

function refuse(merges: StringTable, rank: number, why: string): never {
  throw new TesseraError(
    'invalid-file',
    `GGUF metadata: ${mergesField} holds ${JSON.stringify(stringAt(merges, rank))} at ${rank}, ${why}`,
    { details: { field: mergesField } },
  )
}
