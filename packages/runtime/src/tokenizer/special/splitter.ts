import { createMatcher } from './matcher.ts'

/** A token that is matched whole, before any other rule sees the text. */
export interface WholeToken {
  readonly id: number
  readonly text: string
}

/** Cuts a text at whole tokens: their ids, and the text between them, in order. */
export type Splitter = (text: string) => (string | number)[]

/**
 * llama.cpp's rule: tokens are looked for one after another, the longest (in UTF-8 bytes) first, each leftmost in what is
 * still text. So a long token wins over a short one that begins before it. One pass and a sort of what was found, however
 * many tokens there are.
 */
export function createLongestFirstSplitter(tokens: readonly WholeToken[]): Splitter {
  const words = tokens.filter(({ text }) => text !== '')
  const matcher = createMatcher(words.map(({ text }) => text))
  const byteLengths = words.map(({ text }) => new TextEncoder().encode(text).length)
  return (text) => {
    const matches: { word: number; start: number; end: number }[] = []
    for (let start = 0; start < text.length; start++) matcher.visit(text, start, (word, end) => matches.push({ word, start, end }))
    if (matches.length === 0) return text === '' ? [] : [text]
    matches.sort((a, b) => (byteLengths[b.word] as number) - (byteLengths[a.word] as number) || a.word - b.word || a.start - b.start)
    const taken = new Uint8Array(text.length)
    const kept = matches.filter(({ start, end }) => {
      // What is taken is at least as long, so an overlap covers one of the two ends.
      if (taken[start] === 1 || taken[end - 1] === 1) return false
      taken.fill(1, start, end)
      return true
    })
    kept.sort((a, b) => a.start - b.start)
    return cut(
      text,
      kept.map(({ word, start, end }) => ({ id: (words[word] as WholeToken).id, start, end })),
    )
  }
}

/** A found token and the span that it replaces, UTF-16 code units from `start` to before `end`. */
export interface Span {
  readonly id: number
  readonly start: number
  readonly end: number
}

/** The text between spans that are in order and do not overlap, and the ids of the spans. */
export function cut(text: string, spans: readonly Span[]): (string | number)[] {
  const parts: (string | number)[] = []
  let at = 0
  for (const { id, start, end } of spans) {
    if (start > at) parts.push(text.slice(at, start))
    parts.push(id)
    at = end
  }
  if (at < text.length) parts.push(text.slice(at))
  return parts
}
