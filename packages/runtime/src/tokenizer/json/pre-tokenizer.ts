import { toByteAlphabet } from '../byte-level.ts'
import { spaceMark } from '../space-mark.ts'
import { readPattern } from './pattern.ts'
import { flatten, type Part, readPart, refuse, unsupported } from './read.ts'
import { fromOniguruma, whiteSpace, wordCharacters } from './regex.ts'

/** Splits a text into the pieces inside which tokens are found; `isFirst` if the text starts the input. */
export type PieceSplitter = (text: string, isFirst: boolean) => string[]

/** The pattern of GPT-2 (Radford et al. 2019). */
const gpt2 = "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
const punctuation = '[!-\\/:-@\\[-`{-~\\p{P}]'
const words = new RegExp(`[${wordCharacters}]+|[^${wordCharacters}${whiteSpace}]+`, 'gu')
const nonSpaces = new RegExp(`[^${whiteSpace}]+`, 'gu')
const bertWords = new RegExp(`${punctuation}|(?:(?!${punctuation})[^${whiteSpace}])+`, 'gu')

/** The `pre_tokenizer` of a tokenizer.json; without one, the text is one piece. */
export function readPreTokenizer(value: unknown): PieceSplitter {
  const steps = flatten(readPart(value, 'pre_tokenizer'), 'pretokenizers').map(readStep)
  return (text, isFirst) => {
    if (text === '') return []
    return steps.reduce<string[]>(
      (pieces, step) =>
        pieces.flatMap((piece, index) => step(piece, isFirst && index === 0)).filter((piece) => piece !== ''),
      [text],
    )
  }
}

function readStep(part: Part): PieceSplitter {
  const { fields, type } = part
  switch (type) {
    case 'ByteLevel': {
      const addsSpace = fields.boolean('add_prefix_space', true)
      const split = fields.boolean('use_regex', true) ? isolate(fromOniguruma(gpt2)) : (text: string) => [text]
      return (text) => split(addsSpace && !text.startsWith(' ') ? ` ${text}` : text).map(toByteAlphabet)
    }
    case 'Split':
      return splitBy(readPattern(part), fields.string('behavior'), fields.boolean('invert', false), part.path)
    case 'Digits':
      return splitBy(
        /\p{N}/gu,
        fields.boolean('individual_digits', false) ? 'Isolated' : 'Contiguous',
        false,
        part.path,
      )
    case 'Punctuation':
      return splitBy(new RegExp(punctuation, 'gu'), fields.string('behavior', 'Isolated'), false, part.path)
    case 'Whitespace':
      return (text) => text.match(words) ?? []
    case 'WhitespaceSplit':
      return (text) => text.match(nonSpaces) ?? []
    case 'BertPreTokenizer':
      return (text) => text.match(bertWords) ?? []
    case 'Metaspace':
      return metaspace(part)
    default:
      return unsupported(
        part.path,
        `is of type "${type}"; supported are ByteLevel, Split, Digits, Punctuation, Whitespace, WhitespaceSplit, BertPreTokenizer and Metaspace`,
      )
  }
}

/** One piece for each match and one for each text between matches. */
function isolate(expression: RegExp): (text: string) => string[] {
  return (text) => segments(text, expression).map(({ text: piece }) => piece)
}

interface Segment {
  readonly text: string
  readonly isMatch: boolean
}

function segments(text: string, expression: RegExp): Segment[] {
  const found: Segment[] = []
  let end = 0
  for (const match of text.matchAll(expression)) {
    if (match[0] === '') continue
    if (match.index > end) found.push({ text: text.slice(end, match.index), isMatch: false })
    found.push({ text: match[0], isMatch: true })
    end = match.index + match[0].length
  }
  if (end < text.length) found.push({ text: text.slice(end), isMatch: false })
  return found
}

function splitBy(expression: RegExp, behavior: string, invert: boolean, path: string): PieceSplitter {
  const find = (text: string): Segment[] =>
    segments(text, expression).map((segment) => ({ text: segment.text, isMatch: segment.isMatch !== invert }))
  switch (behavior) {
    case 'Isolated':
      return (text) => find(text).map((segment) => segment.text)
    case 'Removed':
      return (text) => find(text).flatMap((segment) => (segment.isMatch ? [] : [segment.text]))
    case 'Contiguous':
      return (text) => join(find(text), (last, segment) => last.isMatch === segment.isMatch)
    case 'MergedWithPrevious':
      return (text) => join(find(text), (last, segment) => !last.isMatch && segment.isMatch)
    case 'MergedWithNext':
      return (text) => join(find(text), (last, segment) => last.isMatch && !segment.isMatch)
    default:
      return refuse(
        `${path}.behavior`,
        `is "${behavior}"; it must be Isolated, Removed, Contiguous, MergedWithPrevious or MergedWithNext`,
      )
  }
}

/** Appends a segment to the previous one if `belongs` returns true. */
function join(parts: readonly Segment[], belongs: (last: Segment, segment: Segment) => boolean): string[] {
  const pieces: string[] = []
  for (const [index, segment] of parts.entries()) {
    const last = parts[index - 1]
    if (last && belongs(last, segment)) pieces.push((pieces.pop() as string) + segment.text)
    else pieces.push(segment.text)
  }
  return pieces
}

function metaspace(part: Part): PieceSplitter {
  const { fields, path } = part
  const mark = fields.string('replacement', spaceMark)
  // Files before version 0.15 of the library use add_prefix_space instead.
  const scheme = fields.string('prepend_scheme', fields.boolean('add_prefix_space', true) ? 'always' : 'never')
  if (!['first', 'always', 'never'].includes(scheme))
    refuse(`${path}.prepend_scheme`, `is "${scheme}"; it must be first, always or never`)
  const split = fields.boolean('split', true)
    ? splitBy(new RegExp(mark.replace(/[\^$\\.*+?()[\]{}|/]/g, '\\$&'), 'gu'), 'MergedWithNext', false, path)
    : undefined
  return (text, isFirst) => {
    const marked = text.replaceAll(' ', mark)
    const prefixed =
      (scheme === 'always' || (scheme === 'first' && isFirst)) && !marked.startsWith(mark) ? mark + marked : marked
    return split ? split(prefixed, isFirst) : [prefixed]
  }
}
