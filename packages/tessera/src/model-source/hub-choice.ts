import { TesseraError } from '@tessera-llm/tensor'
import type { HubReference } from './hub-reference.ts'

/** The files of a repository that make up a model. */
export type HubChoice =
  | { readonly kind: 'gguf'; readonly file: string }
  /** A folder of configuration and safetensors; with `index`, that file names the weight files. */
  | { readonly kind: 'folder'; readonly files: readonly string[]; readonly index: string | undefined }

const indexName = 'model.safetensors.index.json'
const singleName = 'model.safetensors'
/** Fetched if they exist; a model needs only the first and a tokenizer. */
const configNames = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'chat_template.jinja',
  'modules.json',
  'sentence_bert_config.json',
  '1_Pooling/config.json',
]

/**
 * Chooses the files to fetch from the names in a repository.
 *
 * @throws TesseraError `not-found`, or `invalid-option` if the user must choose
 */
export function chooseFiles(reference: HubReference, names: readonly string[]): HubChoice {
  const there = new Set(names)
  const ggufs = names.filter((path) => path.endsWith('.gguf'))
  const listed =
    ggufs.length === 0
      ? ''
      : `; there are ${ggufs
          .slice(0, 30)
          .map((path) => referenceTo(reference, path))
          .join(', ')}`
  const { file } = reference
  if (file !== undefined) {
    if (!there.has(file))
      throw new TesseraError('not-found', `hub: ${reference.repository} holds no file ${file}${listed}`)
    return { kind: 'gguf', file: checkGguf(reference, file) }
  }
  if (there.has('config.json') && (there.has(singleName) || there.has(indexName))) {
    const index = there.has(singleName) ? undefined : indexName
    return { kind: 'folder', files: [...configNames.filter((name) => there.has(name)), index ?? singleName], index }
  }
  const [only] = ggufs
  if (only === undefined)
    throw new TesseraError(
      'not-found',
      `hub: ${reference.repository} holds neither a GGUF file nor config.json with safetensors`,
    )
  if (ggufs.length > 1)
    throw new TesseraError(
      'invalid-option',
      `hub: ${reference.repository} holds ${ggufs.length} GGUF files; name one${listed}`,
    )
  return { kind: 'gguf', file: checkGguf(reference, only) }
}

function checkGguf(reference: HubReference, file: string): string {
  if (!file.endsWith('.gguf')) {
    const whole = referenceTo({ ...reference, file: undefined }, '')
    throw new TesseraError(
      'invalid-option',
      `hub: ${file} is no GGUF file; a safetensors model is named by its repository: ${whole}`,
    )
  }
  const parts = /-\d{5}-of-(\d{5})\.gguf$/.exec(file)?.[1]
  if (parts !== undefined && Number(parts) > 1) {
    throw new TesseraError(
      'unsupported',
      `hub: ${file} is one of ${Number(parts)} parts; download all and join them with llama-gguf-split --merge`,
    )
  }
  return file
}

function referenceTo({ repository, revision }: HubReference, path: string): string {
  return `hf:${repository}${revision === 'main' ? '' : `@${revision}`}${path === '' ? '' : `/${path}`}`
}
