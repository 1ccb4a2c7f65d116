import { spaceMark } from './space-mark.ts'
import type { Vocabulary } from './vocabulary.ts'

/**
 * Splits a text before spaces (in SentencePiece's spelling) that no token crosses, so that merging and caching word by
 * word gives the result of merging the whole text. Gemma 3 has one token with a space inside, `>▁</`: no split after
 * `>` there.
 */
export function createWordSplitter(vocabulary: Vocabulary): (text: string) => string[] {
  // Created on the first text, so that loading a model does not wait for it.
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
