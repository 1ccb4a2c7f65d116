import { createMatcher } from './matcher.ts'

/** A token that is matched whole, before any other rule is applied to the text. */
export interface WholeToken {
  readonly id: number
  readonly text: string
}

/** Splits a text at whole tokens: their ids, and the text between them, in order. */
export type Splitter = (text: string) => (string | number)[]

/**
 * llama.cpp's rule: tokens are matched one after another, the longest (in UTF-8 bytes) first, each leftmost in the
 * remaining text. So a long token wins over a short one that starts before it. Every position is queued under the
 * longest token that fits there, so that a megabyte of line breaks, where tokens of every length start everywhere,
 * still takes one pass.
 */
export function createLongestFirstSplitter(tokens: readonly WholeToken[]): Splitter {
  const bytes = new TextEncoder()
  const words = tokens
    .filter(({ text }) => text !== '')
    .map((token) => ({ ...token, length: bytes.encode(token.text).length }))
  words.sort((a, b) => b.length - a.length)
  const matcher = createMatcher(words.map(({ text }) => text))
  return (text) => {
    const taken = new Uint8Array(text.length)
    const queues = new Map<number, number[]>()
    const enqueue = (start: number): void => {
      let longest = -1
      // Spans taken earlier are at least as long, so an overlapping one covers one of the two ends.
      matcher.visit(text, start, (word, end) => {
        if (taken[end - 1] === 0) longest = word
      })
      if (longest < 0) return
      const queue = queues.get(longest)
      if (queue) queue.push(start)
      else queues.set(longest, [start])
    }
    for (let start = 0; start < text.length; start++) enqueue(start)
    if (queues.size === 0) return text === '' ? [] : [text]
    const spans: Span[] = []
    for (const [word, { id, text: found }] of words.entries()) {
      for (const start of (queues.get(word) ?? []).sort((a, b) => a - b)) {
        const end = start + found.length
        if (taken[start] === 1) continue
        if (taken[end - 1] === 1) enqueue(start)
        else {
          taken.fill(1, start, end)
          spans.push({ id, start, end })
        }
      }
    }
    return cut(
      text,
      spans.sort((a, b) => a.start - b.start),
    )
  }
}

/** A matched token and the span that it replaces, UTF-16 code units from `start` to before `end`. */
export interface Span {
  readonly id: number
  readonly start: number
  readonly end: number
}

/** The text between ordered spans that do not overlap, and the ids of the spans. */
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
