import { TesseraError } from '@tessera-llm/tensor'
import type { Argv } from 'yargs'
import { commonOptions, readStrings, textOf, withFiles } from '../open/index.ts'
import type { Output } from '../terminal/index.ts'

export interface TokenizeArguments {
  readonly model: string
  readonly text: string | undefined
  readonly jsonl: string | undefined
  readonly special: boolean
  readonly bos: boolean
}

export function tokenizeArguments(yargs: Argv) {
  return commonOptions(yargs)
    .option('text', { type: 'string', requiresArg: true, describe: 'the text' })
    .option('jsonl', { type: 'string', requiresArg: true, describe: 'a file with one JSON string a line' })
    .option('special', {
      type: 'boolean',
      default: true,
      describe: '--no-special treats special tokens in the text as text',
    })
    .option('bos', { type: 'boolean', default: true, describe: '--no-bos adds no BOS token' })
}

/** `tokenize MODEL --text T | --jsonl FILE`: token ids; loads no weights. */
export async function tokenize(args: TokenizeArguments, output: Output, signal: AbortSignal): Promise<void> {
  const { text, jsonl } = args
  if ((text === undefined) === (jsonl === undefined))
    throw new TesseraError('invalid-option', 'tokenize: give either --text TEXT or --jsonl FILE')
  const texts = jsonl === undefined ? undefined : await readStrings(jsonl)
  await withFiles(args.model, output, signal, async (files) => {
    const { tokenizer } = textOf(files)
    const encode = (value: string): number[] =>
      tokenizer.encode(value, { addSpecial: args.bos, parseSpecial: args.special })
    if (texts) {
      const ids = texts.map(encode)
      output.text(ids.map((line) => `${line.join(' ')}\n`).join(''))
      output.result({ ids })
    } else {
      const ids = encode(text ?? '')
      output.text(ids.map((id) => `${id}\t${JSON.stringify(tokenizer.tokenOf(id))}\n`).join(''))
      output.result({ ids })
    }
  })
}
