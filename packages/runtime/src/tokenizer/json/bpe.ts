import { byteToken } from '../byte-token.ts'
import { mergePairs } from '../merge.ts'
import { rememberPieces } from '../piece-cache.ts'
import type { Vocabulary } from '../vocabulary.ts'
import { createWordSplitter } from '../word-splitter.ts'
import { describe, type Part, refuse, unsupported } from './read.ts'

/** Encodes a piece to ids. */
export type PieceEncoder = (piece: string) => readonly number[]

const encoder = new TextEncoder()

/**
 * The BPE model of a tokenizer.json: merges by rank inside a piece. A character outside the vocabulary becomes bytes if
 * `byte_fallback` is set and the vocabulary has them, else `unk_token`; without one it is dropped, as in Hugging Face.
 */
export function readBpe(model: Part, vocabulary: Vocabulary): PieceEncoder {
  const { fields, path } = model
  for (const name of ['continuing_subword_prefix', 'end_of_word_suffix']) {
    if (fields.string(name, '') !== '')
      unsupported(
        `${path}.${name}`,
        `is ${describe(model.raw[name])}; supported is BPE without marks at the ends of words`,
      )
  }
  if (fields.number('dropout', 0) !== 0)
    unsupported(
      `${path}.dropout`,
      `is ${describe(model.raw.dropout)}; a tokenizer that draws its merges at random is for training`,
    )
  const ranks = readMerges(model, vocabulary)
  const ignoreMerges = fields.boolean('ignore_merges', false)
  const byteFallback = fields.boolean('byte_fallback', false)
  const fuseUnknown = fields.boolean('fuse_unk', false)
  const unknownId = readUnknown(model, vocabulary)

  const spellUnknown = (symbol: string): readonly number[] => {
    if (byteFallback) {
      const ids = Array.from(encoder.encode(symbol), (byte) => vocabulary.idOf(byteToken(byte)))
      if (ids.every((id) => id !== undefined)) return ids
    }
    return unknownId === undefined ? [] : [unknownId]
  }
  const splitWords = createWordSplitter(vocabulary)
  const encodeWord = rememberPieces((piece) => {
    const ids: number[] = []
    let followsUnknown = false
    for (const token of mergePairs(Array.from(piece), (left, right) => ranks.get(`${left} ${right}`))) {
      const id = vocabulary.idOf(token)
      const spelled = id === undefined ? spellUnknown(token) : [id]
      const isUnknown = id === undefined && spelled[0] === unknownId
      if (!(isUnknown && fuseUnknown && followsUnknown)) ids.push(...spelled)
      followsUnknown = isUnknown
    }
    return ids
  })
  return (piece) => {
    const whole = ignoreMerges ? vocabulary.idOf(piece) : undefined
    if (whole !== undefined && !vocabulary.isControl(whole)) return [whole]
    const words = splitWords(piece)
    return words.length === 1 ? encodeWord(piece) : words.flatMap(encodeWord)
  }
}

/** The id of `unk_token`, which must be in the vocabulary. */
export function readUnknown(model: Part, vocabulary: Vocabulary): number | undefined {
  if (!model.fields.has('unk_token')) return undefined
  const token = model.fields.string('unk_token')
  return (
    vocabulary.idOf(token) ??
    refuse(`${model.path}.unk_token`, `is ${JSON.stringify(token)}, which is not in the vocabulary`)
  )
}

/** Reads the merges: pairs, or `"left right"` in older files. */
function readMerges({ raw, path }: Part, vocabulary: Vocabulary): Map<string, number> {
  const field = `${path}.merges`
  if (!Array.isArray(raw.merges)) return refuse(field, `must be a list, but is ${describe(raw.merges)}`)
  const ranks = new Map<string, number>()
  for (const [rank, merge] of raw.merges.entries()) {
    const pair: unknown = typeof merge === 'string' ? merge.split(' ') : merge
    if (!Array.isArray(pair) || pair.length !== 2 || !pair.every((token) => typeof token === 'string' && token !== ''))
      return refuse(`${field}[${rank}]`, `is ${describe(merge)}, which is no pair of tokens`)
    const [left, right] = pair as [string, string]
    for (const token of [left, right, left + right])
      if (vocabulary.idOf(token) === undefined)
        refuse(`${field}[${rank}]`, `is ${describe(merge)}, but ${JSON.stringify(token)} is not in the vocabulary`)
    const key = `${left} ${right}`
    // Text never spells a control token: only `parseSpecial` reads those.
    if (vocabulary.isControl(vocabulary.idOf(left + right) as number)) continue
    if (!ranks.has(key)) ranks.set(key, rank)
  }
  return ranks
}
