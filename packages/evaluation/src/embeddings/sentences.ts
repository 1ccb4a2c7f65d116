import { TesseraError } from '@tessera-llm/tensor'

/** Shorter ones say little that could be compared. */
const leastWords = 5

/**
 * Sentences of at least five words, in order. Blank lines separate paragraphs; a sentence ends in `.`, `!` or `?`
 * before white space. Skips lines of the form ` = heading = ` (WikiText).
 */
export function sentencesOf(text: string): readonly string[] {
  const paragraphs = text.replace(/^ *=.*= *$/gm, '').split(/\n\s*\n/)
  const sentences = paragraphs.flatMap((paragraph) => paragraph.split(/(?<=[.!?])\s+/))
  return sentences
    .map((sentence) => sentence.replace(/\s+/g, ' ').trim())
    .filter((sentence) => sentence.split(' ').length >= leastWords)
}

/** `count` of the items, evenly spread over the list; all if there are no more. */
export function spreadOver<T>(items: readonly T[], count: number): readonly T[] {
  if (items.length <= count) return items
  return Array.from({ length: count }, (_, index) => items[Math.floor((index * items.length) / count)] as T)
}

/**
 * Sentences of a text, spread evenly over it; `what` begins the message. Throws `invalid-value` where there are fewer
 * than two.
 */
export function sampleSentences(
  what: string,
  text: string,
  count: number,
): { readonly texts: readonly string[]; readonly found: number } {
  const found = sentencesOf(text)
  if (found.length < 2)
    throw new TesseraError(
      'invalid-value',
      `${what}: ${found.length === 1 ? 'one sentence' : 'no sentence'} of five words or more was found; give a longer text`,
    )
  return { texts: spreadOver(found, count), found: found.length }
}
