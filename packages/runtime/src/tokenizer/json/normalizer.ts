import { wellFormed } from '../bytes.ts'
import { readPattern } from './pattern.ts'
import { flatten, type Part, readPart, unsupported } from './read.ts'
import { whiteSpace } from './regex.ts'

/** Transforms a text before it is split into pieces. */
export type Normalizer = (text: string) => string

/** The `normalizer` of a tokenizer.json. Lone surrogates always become U+FFFD. */
export function readNormalizer(value: unknown): Normalizer {
  const steps = flatten(readPart(value, 'normalizer'), 'normalizers').map(readStep)
  return (text) => steps.reduce((result, step) => step(result), wellFormed(text))
}

function readStep(part: Part): Normalizer {
  const { fields, type } = part
  switch (type) {
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
      return (text) => text.normalize(type)
    case 'Lowercase':
      return lowerCase
    case 'StripAccents':
      return (text) => text.replace(/\p{M}/gu, '')
    case 'Strip':
      return strip(fields.boolean('strip_left', true), fields.boolean('strip_right', true))
    case 'Prepend': {
      const prefix = fields.string('prepend')
      return (text) => (text === '' ? '' : prefix + text)
    }
    case 'Replace': {
      const pattern = readPattern(part)
      const content = fields.string('content')
      // A function, because "$" has a meaning in a replacement string.
      return (text) => text.replace(pattern, () => content)
    }
    case 'BertNormalizer':
      return bert(part)
    default:
      return unsupported(
        part.path,
        `is of type "${type}"; supported are NFC, NFD, NFKC, NFKD, Lowercase, Strip, StripAccents, Prepend, Replace and BertNormalizer`,
      )
  }
}

/** Lower-cases each letter separately, as Rust does: a final sigma gets no special form. */
function lowerCase(text: string): string {
  return text.replaceAll('\u03a3', '\u03c3').toLowerCase()
}

function strip(left: boolean, right: boolean): Normalizer {
  const expression = new RegExp(
    [...(left ? [`^[${whiteSpace}]+`] : []), ...(right ? [`(?<![${whiteSpace}])[${whiteSpace}]+$`] : [])].join('|') ||
      '(?!)',
    'gu',
  )
  return (text) => text.replace(expression, '')
}

// Blocks that BERT's authors treat as CJK ideographs (Devlin et al. 2018, `tokenization.py`).
const ideograph =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu
// Unassigned code points stay: Rust counts them to no category of "other".
const invisible = /(?![\t\n\r])[\ufffd\p{Cc}\p{Cf}\p{Co}]/gu
const anySpace = new RegExp(`[${whiteSpace}]`, 'gu')

function bert({ fields }: Part): Normalizer {
  const isLower = fields.boolean('lowercase', true)
  const isClean = fields.boolean('clean_text', true)
  const spacesIdeographs = fields.boolean('handle_chinese_chars', true)
  const stripsAccents = fields.boolean('strip_accents', isLower)
  return (text) => {
    let result = text
    if (isClean) result = result.replace(invisible, '').replace(anySpace, ' ')
    if (spacesIdeographs) result = result.replace(ideograph, ' $& ')
    if (stripsAccents) result = result.normalize('NFD').replace(/\p{Mn}/gu, '')
    return isLower ? lowerCase(result) : result
  }
}
