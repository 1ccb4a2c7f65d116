import { rememberPieces } from '../piece-cache.ts'
import type { Vocabulary } from '../vocabulary.ts'
import { type PieceEncoder, readUnknown } from './bpe.ts'
import { type Part, refuse } from './read.ts'

/**
 * The WordPiece model of a tokenizer.json (Schuster & Nakajima 2012; BERT): the longest token that starts the word,
 * then the longest continuation, and so on. A word that cannot be spelled this way, or is too long, is one unknown
 * token.
 */
export function readWordPiece(model: Part, vocabulary: Vocabulary): PieceEncoder {
  const { fields } = model
  const prefix = fields.string('continuing_subword_prefix', '##')
  const maxLength = fields.integer('max_input_chars_per_word', 100)
  const unknownId =
    readUnknown(model, vocabulary) ?? refuse(`${model.path}.unk_token`, 'is missing; WordPiece needs one')
  return rememberPieces((word) => {
    const chars = Array.from(word)
    if (chars.length > maxLength) return [unknownId]
    const ids: number[] = []
    for (let start = 0; start < chars.length; ) {
      let end = chars.length
      let id: number | undefined
      for (; end > start; end--) {
        id = vocabulary.idOf((start > 0 ? prefix : '') + chars.slice(start, end).join(''))
        if (id !== undefined) break
      }
      if (id === undefined) return [unknownId]
      ids.push(id)
      start = end
    }
    return ids
  })
}
