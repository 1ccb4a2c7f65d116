import { endTokens } from '../end-tokens.ts'
import { createMatcher } from '../special/matcher.ts'
import { cut, type Span } from '../special/splitter.ts'
import { readParts } from './read.ts'
import { whiteSpace, wordCharacters } from './regex.ts'

/** A token that is matched in the text before the model encodes it. */
export interface AddedToken {
  readonly id: number
  readonly content: string
  /** Special tokens have no text of their own and are matched only with `parseSpecial`. */
  readonly isSpecial: boolean
  /** Matches only between characters that are not part of words. */
  readonly isWord: boolean
  /** Includes the white space on that side in the match. */
  readonly stripsLeft: boolean
  readonly stripsRight: boolean
  /** Is matched in the normalized text. */
  readonly isNormalized: boolean
}

/** Reads the added tokens. End tokens are always special, as in GGUF files. */
export function readAddedTokens(value: unknown): AddedToken[] {
  return readParts(value, 'added_tokens').map(({ fields }) => ({
    id: fields.integer('id'),
    content: fields.string('content'),
    isSpecial: fields.boolean('special', false) || endTokens.includes(fields.string('content')),
    isWord: fields.boolean('single_word', false),
    stripsLeft: fields.boolean('lstrip', false),
    stripsRight: fields.boolean('rstrip', false),
    isNormalized: fields.boolean('normalized', false),
  }))
}

const word = new RegExp(`[${wordCharacters}]`, 'u')
const space = new RegExp(`[${whiteSpace}]`, 'u')

/** Splits a text at added tokens as Hugging Face does: leftmost first, of those the longest. */
export function createAddedTokenSplitter(tokens: readonly AddedToken[]): (text: string) => (string | number)[] {
  if (tokens.length === 0) return (text) => (text === '' ? [] : [text])
  const matcher = createMatcher(tokens.map(({ content }) => content))
  return (text) => {
    const spans: Span[] = []
    let end = 0
    for (let at = 0; at < text.length; ) {
      let longest: { readonly word: number; readonly end: number } | undefined
      matcher.visit(text, at, (index, matchEnd) => (longest = { word: index, end: matchEnd }))
      // TypeScript does not see the assignment in the callback.
      const match = longest as { readonly word: number; readonly end: number } | undefined
      if (!match) {
        at++
        continue
      }
      const token = tokens[match.word] as AddedToken
      if (!token.isWord || !(touchesWord(text, at, -1) || touchesWord(text, match.end, 1))) {
        const start = token.stripsLeft ? skipSpaces(text, at, -1, end) : at
        const stop = token.stripsRight ? skipSpaces(text, match.end, 1, text.length) : match.end
        spans.push({ id: token.id, start, end: stop })
        end = stop
        at = stop
      } else at = match.end
    }
    return cut(text, spans)
  }
}

/** End of the white space next to a boundary, going backward (-1) or forward (1) up to `limit`. */
function skipSpaces(text: string, boundary: number, side: -1 | 1, limit: number): number {
  let at = boundary
  while (at !== limit && space.test(text.charAt(side === 1 ? at : at - 1))) at += side
  return at
}

/** Whether the character before (-1) or after (1) the boundary is part of a word. */
function touchesWord(text: string, boundary: number, side: -1 | 1): boolean {
  const isPair = side === -1 && /[\udc00-\udfff]/.test(text.charAt(boundary - 1))
  const point = text.codePointAt(side === 1 ? boundary : boundary - (isPair ? 2 : 1))
  return point !== undefined && word.test(String.fromCodePoint(point))
}
