import { TesseraError } from '@tessera-llm/tensor'
import type { Argv } from 'yargs'
import { encoderOptions, type ModelArguments, readStrings, withEncoder, withFiles } from '../open/index.ts'
import type { Output } from '../terminal/index.ts'
import { parseIds } from './ids.ts'

export interface EmbedArguments extends Pick<ModelArguments, 'model' | 'device' | 'threads' | 'activations' | 'json'> {
  readonly text: string | undefined
  readonly jsonl: string | undefined
  readonly ids: string | undefined
}

export function embedArguments(yargs: Argv) {
  return encoderOptions(yargs)
    .option('text', { type: 'string', requiresArg: true, describe: 'the text' })
    .option('jsonl', { type: 'string', requiresArg: true, describe: 'a file with one JSON string a line' })
    .option('ids', { type: 'string', requiresArg: true, describe: 'token ids as they are: 101,7592,102' })
}

/** `embed MODEL --text T | --jsonl FILE | --ids 1,2,3`: one vector a text, one JSON line each. */
export async function embed(args: EmbedArguments, output: Output, signal: AbortSignal): Promise<void> {
  const { text, jsonl, ids } = args
  if ([text, jsonl, ids].filter((given) => given !== undefined).length !== 1)
    throw new TesseraError('invalid-option', 'embed: give one of --text TEXT, --jsonl FILE and --ids 1,2,3')
  const texts = jsonl !== undefined ? await readStrings(jsonl) : [ids === undefined ? (text ?? '') : parseIds(ids)]
  await withFiles(args.model, output, signal, (files) =>
    withEncoder(files, args, output, signal, async (model) => {
      const progress = output.progress('embedding')
      try {
        const vectors = await model.embed(texts, { signal, onProgress: progress.report })
        progress.end()
        const embeddings = vectors.map((vector) => [...vector])
        output.text(embeddings.map((vector) => `${JSON.stringify(vector)}\n`).join(''))
        output.result({ embeddings })
      } finally {
        progress.end()
      }
    }),
  )
}
