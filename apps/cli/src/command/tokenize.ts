import { TesseraError } from '@tessera-llm/tensor'
import { readStrings, textOf, withFiles } from '../open/index.ts'
import type { Output } from '../terminal/index.ts'

export interface TokenizeArguments {
  readonly model: string
  readonly text: string | undefined
  readonly jsonl: string | undefined
  readonly special: boolean
  readonly bos: boolean
}

/** `tokenize MODEL --text T | --jsonl FILE`: token ids, without loading a weight. */
export async function tokenize(args: TokenizeArguments, output: Output, signal: AbortSignal): Promise<void> {
  const { text, jsonl } = args
  if ((text === undefined) === (jsonl === undefined))
    throw new TesseraError('invalid-option', 'tokenize: give either --text TEXT or --jsonl FILE')
  const texts = jsonl === undefined ? undefined : await readStrings('tokenize', jsonl)
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
