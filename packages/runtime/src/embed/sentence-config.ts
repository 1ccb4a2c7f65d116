import { TesseraError } from '@tessera-llm/tensor'
import { type Fields, readFields } from '../config/index.ts'

/** Reduction of the states of a sequence's tokens to one vector. */
export type Pooling = 'mean' | 'mean-sqrt-length' | 'first' | 'last'

/** Configuration of a sentence encoder, beside that of its encoder. */
export interface SentenceConfig {
  readonly pooling: Pooling
  /** Whether every vector is scaled to length 1. */
  readonly isNormalized: boolean
  /** Length at which texts are truncated, in tokens; the encoder's own limit if absent. */
  readonly maxTokens?: number | undefined
}

/** The parsed files of a sentence-transformers folder. */
export interface SentenceFiles {
  /** `modules.json`: the modules in order, the encoder first. */
  readonly modules: readonly unknown[]
  /** `config.json` in the folder of the pooling module. */
  readonly pooling?: Fields | undefined
  /** `sentence_bert_config.json` */
  readonly transformer?: Fields | undefined
}

const poolings: readonly (readonly [field: string, pooling: Pooling])[] = [
  ['pooling_mode_mean_tokens', 'mean'],
  ['pooling_mode_cls_token', 'first'],
  ['pooling_mode_lasttoken', 'last'],
  ['pooling_mode_mean_sqrt_len_tokens', 'mean-sqrt-length'],
]

/** The configuration that sentence-transformers assumes for an encoder without its files. */
export const plainSentenceConfig: SentenceConfig = { pooling: 'mean', isNormalized: false }

/** Folder of the pooling module, which holds its configuration: `1_Pooling`. */
export function poolingFolder(modules: readonly unknown[]): string | undefined {
  return modulesOf(modules).find(({ type }) => type === 'Pooling')?.path
}

/**
 * Reads the configuration of a sentence-transformers model.
 *
 * @throws TesseraError `unsupported` for unknown modules and poolings
 */
export function sentenceConfigFrom({ modules, pooling, transformer }: SentenceFiles): SentenceConfig {
  const types = modulesOf(modules).map(({ type }) => type)
  const known = ['Transformer', 'Pooling', 'Normalize']
  const other = types.find((type) => !known.includes(type))
  if (other !== undefined)
    throw new TesseraError(
      'unsupported',
      `modules.json: the module ${other} is not supported; supported are ${known.join(', ')}`,
    )
  const limit = transformer && readFields(transformer, 'sentence_bert_config.json')
  return {
    pooling: pooling ? poolingFrom(pooling) : plainSentenceConfig.pooling,
    isNormalized: types.includes('Normalize'),
    maxTokens: limit?.has('max_seq_length') ? limit.integer('max_seq_length') : undefined,
  }
}

/**
 * Poolings by their number in GGUF files. The first, `none`, leaves the choice to the program; llama.cpp's programs
 * choose the mean.
 */
const ggufPoolings: readonly Pooling[] = ['mean', 'mean', 'first', 'last']

/**
 * Reads the pooling from the metadata of a GGUF file. No key states whether vectors have length 1; they do here, as in
 * llama.cpp's programs.
 */
export function sentenceConfigFromGguf(metadata: Fields): SentenceConfig {
  const fields = readFields(metadata, 'GGUF metadata')
  const key = `${fields.string('general.architecture')}.pooling_type`
  const kind = fields.integer(key, 0)
  const pooling = ggufPoolings[kind]
  if (pooling === undefined)
    throw new TesseraError(
      'unsupported',
      `GGUF metadata: ${key} is ${kind}; supported are 0 and 1 (mean), 2 (the first token's state) and 3 (the last one's)${kind === 4 ? '; 4 is a model that ranks, which makes no vectors' : ''}`,
    )
  return { pooling, isNormalized: true }
}

function poolingFrom(config: Fields): Pooling {
  const fields = readFields(config, 'the pooling config.json')
  const chosen = Object.keys(config).filter((name) => name.startsWith('pooling_mode_') && fields.boolean(name, false))
  const [first] = chosen
  const found = poolings.find(([field]) => field === first)
  if (chosen.length !== 1 || !found) {
    throw new TesseraError(
      'unsupported',
      `the pooling config.json asks for ${chosen.join(' and ') || 'no pooling'}; supported is one of ${poolings.map(([field]) => field).join(', ')}`,
    )
  }
  return found[1]
}

/** The last part of each module's class name, and its folder. */
function modulesOf(modules: readonly unknown[]): readonly { readonly type: string; readonly path: string }[] {
  return modules.map((module) => {
    const fields = readFields(typeof module === 'object' && module !== null ? (module as Fields) : {}, 'modules.json')
    return { type: fields.string('type').replace(/^.*\./, ''), path: fields.string('path') }
  })
}
