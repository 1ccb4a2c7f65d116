import { spaceMark } from './space-mark.ts'
import type { Vocabulary } from './vocabulary.ts'

/**
 * Cuts a text before spaces (as SentencePiece spells them) where no token can reach across, so that words are merged, and
 * remembered, one by one with the result of merging the whole text. Gemma 3 has one token with a space inside, `>▁</`: no
 * cut after `>` there.
 */
export function createWordSplitter(vocabulary: Vocabulary): (text: string) => string[] {
  const before = new Set<string>([spaceMark])
  for (const [id, token] of vocabulary.tokens.entries()) {
    if (vocabulary.isControl(id)) continue
    for (let at = token.indexOf(spaceMark, 1); at > 0; at = token.indexOf(spaceMark, at + 1)) before.add(token.charAt(at - 1))
  }
  return (text) => {
    const pieces: string[] = []
    let start = 0
    for (let at = text.indexOf(spaceMark, 1); at > 0; at = text.indexOf(spaceMark, at + 1)) {
      if (before.has(text.charAt(at - 1))) continue
      pieces.push(text.slice(start, at))
      start = at
    }
    if (start < text.length) pieces.push(text.slice(start))
    return pieces
  }
}
