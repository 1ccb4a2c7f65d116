import { fromByteAlphabet } from '../byte-level.ts'
import { byteOfToken } from '../byte-token.ts'
import { spaceMark } from '../space-mark.ts'
import { tokenTypes, type Vocabulary } from '../vocabulary.ts'
import { readPattern } from './pattern.ts'
import { flatten, type Part, readPart, unsupported } from './read.ts'

/** Maps tokens to bytes, and corrects the decoded text. */
export interface Decoder {
  spell(id: number, isFirst: boolean): Uint8Array
  finish(text: string): string
}

/** Transforms the text of one token. */
type TokenStep = (token: string, isFirst: boolean) => string

const encoder = new TextEncoder()

/**
 * The `decoder` of a tokenizer.json. Each maximal invalid sequence of UTF-8 becomes one U+FFFD, so that streamed and
 * whole decoding agree.
 */
export function readDecoder(value: unknown, vocabulary: Vocabulary): Decoder {
  const parts = flatten(readPart(value, 'decoder'), 'decoders')
  const tokenSteps: TokenStep[] = []
  const textSteps: ((text: string) => string)[] = []
  let isByteLevel = false
  let isFused = false
  for (const part of parts) {
    if (part.type === 'ByteLevel') isByteLevel = true
    else if (part.type === 'Fuse') isFused = true
    else if (isFused) textSteps.push(readTextStep(part))
    else if (part.type !== 'ByteFallback') tokenSteps.push(readTokenStep(part))
  }
  // Without a decoder, tokens are words.
  if (parts.length === 0) tokenSteps.push((token, isFirst) => (isFirst ? token : ` ${token}`))
  const spell = (id: number, isFirst: boolean): Uint8Array => {
    const token = vocabulary.textOf(id)
    const type = vocabulary.typeOf(id)
    if (type === tokenTypes.byte) return Uint8Array.of(byteOfToken(token) as number)
    if (isByteLevel && type === tokenTypes.normal) return fromByteAlphabet(token)
    return encoder.encode(tokenSteps.reduce((text, step) => step(text, isFirst), token))
  }
  return { spell, finish: (text) => textSteps.reduce((result, step) => step(result), text) }
}

function readTokenStep(part: Part): TokenStep {
  const { fields, type } = part
  switch (type) {
    case 'Replace':
      return replace(part)
    case 'Strip':
      return strip(part)
    case 'WordPiece': {
      const prefix = fields.string('prefix', '##')
      const clean = fields.boolean('cleanup', true) ? cleanUp : (text: string) => text
      return (token, isFirst) =>
        clean(isFirst ? token : token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`)
    }
    case 'Metaspace': {
      const mark = fields.string('replacement', spaceMark)
      const addsMark =
        fields.string('prepend_scheme', fields.boolean('add_prefix_space', true) ? 'always' : 'never') !== 'never'
      return (token, isFirst) =>
        (isFirst && addsMark && token.startsWith(mark) ? token.slice(mark.length) : token).replaceAll(mark, ' ')
    }
    default:
      return unsupported(
        part.path,
        `is of type "${type}"; supported are ByteLevel, ByteFallback, Fuse, Replace, Strip, WordPiece and Metaspace`,
      )
  }
}

function readTextStep(part: Part): (text: string) => string {
  if (part.type === 'Replace') return replace(part)
  if (part.type === 'Strip') return strip(part)
  return part.type === 'ByteFallback'
    ? (text) => text
    : unsupported(part.path, `is of type "${part.type}" after Fuse; supported are Replace and Strip`)
}

function replace(part: Part): (text: string) => string {
  const pattern = readPattern(part)
  const content = part.fields.string('content')
  return (text) => text.replace(pattern, () => content)
}

/** Removes up to `start` and `stop` occurrences of the character at the ends. */
function strip({ fields }: Part): (text: string) => string {
  const content = fields.string('content')
  const start = fields.integer('start', 0)
  const stop = fields.integer('stop', 0)
  return (text) => {
    let result = text
    for (let count = 0; count < start && content !== '' && result.startsWith(content); count++)
      result = result.slice(content.length)
    for (let count = 0; count < stop && content !== '' && result.endsWith(content); count++)
      result = result.slice(0, -content.length)
    return result
  }
}

/** The corrections of BERT's decoder. Hugging Face applies them to each token separately, so that some never match. */
function cleanUp(token: string): string {
  return token
    .replace(/ ([.?!,])/g, '$1')
    .replaceAll(" ' ", "'")
    .replaceAll(" n't", "n't")
    .replaceAll(" 'm", "'m")
    .replaceAll(' do not', " don't")
    .replace(/ '(s|ve|re)/g, "'$1")
}
