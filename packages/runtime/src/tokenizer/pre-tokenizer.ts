import { TesseraError } from '@tessera-llm/tensor'

/** Splits a text into the pieces inside which tokens are merged. */
export type PreTokenizer = (text: string) => string[]

// Unicode White_Space. JavaScript's \s differs: it has U+FEFF and lacks U+0085.
const space = '\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000'
const gpt2 = `'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^${space}\\p{L}\\p{N}]+|[${space}]+(?![^${space}])|[${space}]+`
const contraction = "'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])"
const llama3 = (digits: string): string =>
  `${contraction}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^${space}\\p{L}\\p{N}]+[\\r\\n]*|[${space}]*[\\r\\n]+|[${space}]+(?![^${space}])|[${space}]+`

interface GgufPreTokenizer {
  /** Patterns in order; each splits the pieces of the one before. */
  readonly patterns: readonly string[]
  readonly ignoreMerges: boolean
  /** Whether BOS is added if the file does not state it. */
  readonly addBos: boolean
}

const plain = { ignoreMerges: false, addBos: false }
const llama3Rules: GgufPreTokenizer = { patterns: [llama3('\\p{N}{1,3}')], ignoreMerges: true, addBos: true }
const smollm: GgufPreTokenizer = { patterns: ['\\p{N}', gpt2], ...plain }
const qwen2: GgufPreTokenizer = { patterns: [llama3('\\p{N}')], ...plain }

/** Rules by the value of `tokenizer.ggml.pre`. */
const known: Readonly<Record<string, GgufPreTokenizer>> = {
  default: { patterns: [gpt2], ...plain },
  'gpt-2': { patterns: [gpt2], ...plain },
  olmo: { patterns: [gpt2], ...plain },
  smollm,
  // Granite's.
  refact: smollm,
  'llama-bpe': llama3Rules,
  llama3: llama3Rules,
  'llama-v3': llama3Rules,
  // OLMo 2's and Phi-4's.
  dbrx: { patterns: llama3Rules.patterns, ...plain },
  qwen2,
  stablelm2: qwen2,
}

/** The rules that GGUF files name in `pre`. Throws `unsupported` for an unknown name. */
export function ggufPreTokenizer(pre: string): {
  readonly preTokenize: PreTokenizer
  readonly ignoreMerges: boolean
  readonly addBos: boolean
} {
  const rules = Object.hasOwn(known, pre) ? known[pre] : undefined
  if (!rules)
    throw new TesseraError(
      'unsupported',
      `tokenizer: the pre-tokenizer "${pre}" is not supported; known are ${Object.keys(known).join(', ')}`,
      { details: { field: 'tokenizer.ggml.pre' } },
    )
  const expressions = rules.patterns.map((pattern) => new RegExp(pattern, 'gu'))
  const preTokenize: PreTokenizer = (text) =>
    expressions.reduce<string[]>(
      (pieces, expression) => pieces.flatMap((piece) => splitAt(piece, expression)),
      text === '' ? [] : [text],
    )
  return { preTokenize, ignoreMerges: rules.ignoreMerges, addBos: rules.addBos }
}

/** Matches and the text between them, in order. */
function splitAt(text: string, expression: RegExp): string[] {
  const pieces: string[] = []
  let end = 0
  for (const match of text.matchAll(expression)) {
    if (match.index > end) pieces.push(text.slice(end, match.index))
    pieces.push(match[0])
    end = match.index + match[0].length
  }
  if (end < text.length) pieces.push(text.slice(end))
  return pieces
}
