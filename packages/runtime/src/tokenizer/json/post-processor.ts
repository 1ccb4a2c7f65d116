import type { Vocabulary } from '../vocabulary.ts'
import { describe, flatten, type Part, readPart, readParts, refuse, unsupported } from './read.ts'

/** Ids around a text. */
export interface Frame {
  readonly prefix: readonly number[]
  readonly suffix: readonly number[]
}

/** The `post_processor` of a tokenizer.json, for one text. */
export function readFrame(value: unknown, vocabulary: Vocabulary): Frame {
  return flatten(readPart(value, 'post_processor'), 'processors').reduce<Frame>(
    (frame, part) => {
      const { prefix, suffix } = readStep(part, vocabulary)
      return { prefix: [...prefix, ...frame.prefix], suffix: [...frame.suffix, ...suffix] }
    },
    { prefix: [], suffix: [] },
  )
}

function readStep(part: Part, vocabulary: Vocabulary): Frame {
  switch (part.type) {
    case 'ByteLevel':
      return { prefix: [], suffix: [] }
    case 'TemplateProcessing':
      return template(part, vocabulary)
    case 'BertProcessing':
    case 'RobertaProcessing':
      return { prefix: [pairId(part, 'cls', vocabulary)], suffix: [pairId(part, 'sep', vocabulary)] }
    default:
      return unsupported(
        part.path,
        `is of type "${part.type}"; supported are ByteLevel, TemplateProcessing, BertProcessing and RobertaProcessing`,
      )
  }
}

function template(part: Part, vocabulary: Vocabulary): Frame {
  const path = `${part.path}.single`
  const prefix: number[] = []
  const suffix: number[] = []
  let seen = false
  for (const piece of readParts(part.raw.single, path)) {
    const special = piece.fields.record('SpecialToken')
    if (piece.fields.has('Sequence')) seen = true
    else if (special) (seen ? suffix : prefix).push(...specialIds(part, special.id, path, vocabulary))
    else refuse(piece.path, 'must be a Sequence or a SpecialToken')
  }
  if (!seen) refuse(path, 'has no Sequence; the text would be lost')
  return { prefix, suffix }
}

function specialIds(part: Part, name: unknown, path: string, vocabulary: Vocabulary): number[] {
  const entry = typeof name === 'string' ? part.fields.record('special_tokens')?.[name] : undefined
  const ids = (entry as { readonly ids?: unknown } | null | undefined)?.ids
  if (!Array.isArray(ids))
    return refuse(path, `names the token ${describe(name)}, which special_tokens does not define`)
  return ids.map((id) => checkId(id, `${part.path}.special_tokens`, vocabulary))
}

/** `["[CLS]", 101]` */
function pairId(part: Part, name: string, vocabulary: Vocabulary): number {
  const pair = part.raw[name]
  return checkId(Array.isArray(pair) ? pair[1] : undefined, `${part.path}.${name}`, vocabulary)
}

function checkId(id: unknown, path: string, vocabulary: Vocabulary): number {
  const known = typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < vocabulary.size
  return known
    ? id
    : refuse(path, `has the id ${describe(id)}; the vocabulary has ids from 0 to ${vocabulary.size - 1}`)
}
