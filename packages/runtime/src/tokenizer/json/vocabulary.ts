import { byteOfToken } from '../byte-token.ts'
import { createVocabulary, tokenTypes, type Vocabulary } from '../vocabulary.ts'
import type { AddedToken } from './added-tokens.ts'
import { describe, type Part, refuse } from './read.ts'

/** Far above every published vocabulary; limits the memory that one wrong id can request. */
const maxVocabulary = 2 ** 24

/** `model.vocab` and the added tokens as one vocabulary; ids between them without a token are unused. */
export function readVocabulary(model: Part, added: readonly AddedToken[]): Vocabulary {
  const field = `${model.path}.vocab`
  const entries = Object.entries(model.fields.record('vocab') ?? refuse(field, 'is missing'))
  const hasBytes = model.fields.boolean('byte_fallback', false)
  const tokens: string[] = []
  const types: number[] = []
  const place = (where: string, token: string, id: unknown, type: number): void => {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id >= maxVocabulary)
      refuse(
        where,
        `gives ${JSON.stringify(token)} the id ${describe(id)}; ids are integers from 0 to ${maxVocabulary - 1}`,
      )
    const other = tokens[id]
    if (other !== undefined && other !== token)
      refuse(where, `gives ${JSON.stringify(token)} the id ${id}, which is that of ${JSON.stringify(other)}`)
    tokens[id] = token
    types[id] = type
  }
  for (const [token, id] of entries)
    place(field, token, id, hasBytes && byteOfToken(token) !== undefined ? tokenTypes.byte : tokenTypes.normal)
  const idOf = new Map(entries)
  for (const [index, { id, content, isSpecial }] of added.entries()) {
    const where = `added_tokens[${index}]`
    if (content === '') refuse(where, 'has an empty content')
    if (idOf.has(content) && idOf.get(content) !== id)
      refuse(
        where,
        `gives ${JSON.stringify(content)} the id ${id}, but ${field} gives it ${describe(idOf.get(content))}`,
      )
    place(where, content, id, isSpecial ? tokenTypes.control : tokenTypes.userDefined)
  }
  // Array.from fills the holes of a sparse list.
  return createVocabulary(
    Array.from(tokens, (token) => token ?? ''),
    Array.from(tokens, (_, id) => types[id] ?? tokenTypes.unused),
  )
}
