import type { Fields } from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'

const llama3 = (digits: string): string =>
  `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`
const byteLevel = (use_regex: boolean): Fields => ({
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex,
})
const splitThenBytes = (Regex: string): Fields => ({
  type: 'Sequence',
  pretokenizers: [{ type: 'Split', pattern: { Regex }, behavior: 'Isolated', invert: false }, byteLevel(false)],
})

interface PreTokenizer {
  /** Values of `tokenizer.ggml.pre`; conversion writes the first. */
  readonly names: readonly string[]
  readonly preTokenizer: Fields
  readonly normalizer: Fields | null
  readonly ignoreMerges: boolean
}

/** Splitting rules of byte-level BPE: their names in GGUF files and their steps in tokenizer.json. */
const known: readonly PreTokenizer[] = [
  { names: ['gpt-2', 'default'], preTokenizer: byteLevel(true), normalizer: null, ignoreMerges: false },
  {
    names: ['smollm'],
    preTokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Digits', individual_digits: true }, byteLevel(true)] },
    normalizer: null,
    ignoreMerges: false,
  },
  {
    names: ['llama-bpe', 'llama3', 'llama-v3'],
    preTokenizer: splitThenBytes(llama3('\\p{N}{1,3}')),
    normalizer: null,
    ignoreMerges: true,
  },
  {
    names: ['qwen2'],
    preTokenizer: splitThenBytes(llama3('\\p{N}')),
    normalizer: { type: 'NFC' },
    ignoreMerges: false,
  },
]

/** The steps of tokenizer.json for a name of GGUF files; throws `unsupported`. */
export function preTokenizerNamed(name: string): PreTokenizer {
  const found = known.find(({ names }) => names.includes(name))
  if (found) return found
  throw new TesseraError(
    'unsupported',
    `convert: the pre-tokenizer "${name}" cannot be said in tokenizer.json; known are ${known.flatMap(({ names }) => names).join(', ')}`,
    { details: { field: 'tokenizer.ggml.pre' } },
  )
}

/** The name in GGUF files for the steps of a tokenizer.json; throws `unsupported`. */
export function nameOfPreTokenizer(preTokenizer: unknown, normalizer: unknown): string {
  const steps = canonical(preTokenizer)
  const found = known.find(
    (candidate) =>
      canonical(candidate.preTokenizer) === steps && canonical(candidate.normalizer) === canonical(normalizer),
  )
  if (found) return found.names[0] as string
  throw new TesseraError(
    'unsupported',
    `convert: GGUF files have no name for the pre-tokenizer ${steps.slice(0, 200)}${normalizer ? ` after the normalizer ${canonical(normalizer)}` : ''}; known are those of ${known.map(({ names }) => names[0]).join(', ')}`,
  )
}

/**
 * Canonical JSON of a step: only fields that affect the result, in a fixed order; a sequence of one step is that step.
 */
function canonical(step: unknown): string {
  if (step === null || step === undefined) return 'none'
  const fields = step as Fields
  const { type } = fields
  if (type === 'Sequence')
    return ((fields['pretokenizers'] ?? fields['normalizers'] ?? []) as unknown[]).map(canonical).join(' then ')
  if (type === 'ByteLevel')
    return `ByteLevel(${fields['add_prefix_space'] === true ? 'prefix' : 'plain'}, ${fields['use_regex'] === false ? 'whole' : 'words'})`
  if (type === 'Digits') return `Digits(${String(fields['individual_digits'])})`
  if (type === 'Split')
    return `Split(${JSON.stringify(fields['pattern'])}, ${String(fields['behavior'])}, ${String(fields['invert'] ?? false)})`
  return String(type)
}
