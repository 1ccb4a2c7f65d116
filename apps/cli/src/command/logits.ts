import type { Argv } from 'yargs'
import { contextFor, integer, type ModelArguments, modelOptions, textOf, withFiles, withModel } from '../open/index.ts'
import type { Output } from '../terminal/index.ts'
import { parseIds } from './ids.ts'
import { describeLogits } from './logit-statistics.ts'

export interface LogitsArguments extends ModelArguments {
  readonly ids: string
  readonly top: number
}

export function logitsArguments(yargs: Argv) {
  return modelOptions(yargs, 'exact')
    .option('ids', { type: 'string', demandOption: true, requiresArg: true, describe: 'token ids: 1,2,3' })
    .option('top', integer('top', 0, { default: 20, describe: 'how many of the largest' }))
}

/** `logits MODEL --ids 1,2,3`: statistics and the largest logits of the last position. */
export async function logits(args: LogitsArguments, output: Output, signal: AbortSignal): Promise<void> {
  const ids = parseIds(args.ids)
  await withFiles(args.model, output, signal, async (files) => {
    const text = textOf(files)
    const contextLength = contextFor(files, args, { what: 'the sequence', least: ids.length, remedy: 'shorten it' })
    await withModel(files, args, { contextLength, text }, output, signal, async ({ session }) => {
      const result = describeLogits(await session.prefill(ids, { signal }), args.top)
      output.text(`logsumexp ${result.logsumexp}\nmean ${result.mean}\nstd ${result.std}\n`)
      for (const { id, logit } of result.top)
        output.text(`${id}\t${logit.toFixed(5)}\t${JSON.stringify(text.tokenizer.tokenOf(id))}\n`)
      output.result(result)
    })
  })
}
