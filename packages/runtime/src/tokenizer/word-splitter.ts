import { spaceMark } from './space-mark.ts'
import type { Vocabulary } from './vocabulary.ts'

/**
 * Cuts a text before spaces (as SentencePiece spells them) where no token can reach across, so that words are merged, and
 * remembered, one by one with the result of merging the whole text. Gemma 3 has one token with a space inside, `>▁</`: no
 * cut after `>` there.
 */
export function createWordSplitter(vocabulary: Vocabulary): (text: string) => string[] {
  // Made when a text comes: a model can be ready before.
  let before: ReadonlySet<string> | undefined
  return (text) => {
    before ??= charactersBeforeSpaces(vocabulary)
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

function charactersBeforeSpaces(vocabulary: Vocabulary): ReadonlySet<string> {
  const before = new Set<string>([spaceMark])
  for (let id = 0; id < vocabulary.size; id++) {
    if (vocabulary.isControl(id)) continue
    const token = vocabulary.textOf(id)
    for (let at = token.indexOf(spaceMark, 1); at > 0; at = token.indexOf(spaceMark, at + 1))
      before.add(token.charAt(at - 1))
  }
  return before
}
