import type { Generation } from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'
import { encodeChat, type ModelText } from '@tessera-llm/tessera'
import type { Argv } from 'yargs'
import { contextFor, integer, type ModelArguments, modelOptions, textOf, withFiles, withModel } from '../open/index.ts'
import type { Output, Progress } from '../terminal/index.ts'
import { parseIds } from './ids.ts'
import { checkSampling, type SamplingArguments, samplingArguments, samplingOptions } from './sampling.ts'

export interface RunArguments extends ModelArguments, SamplingArguments {
  readonly prompt: string | undefined
  readonly ids: string | undefined
  readonly raw: boolean
  readonly maxTokens: number
  readonly ignoreEos: boolean
}

export function runArguments(yargs: Argv) {
  return samplingArguments(modelOptions(yargs, 'faster'))
    .option('prompt', {
      alias: 'p',
      type: 'string',
      requiresArg: true,
      describe: 'the message; with --raw, the text to continue',
    })
    .option('ids', { type: 'string', requiresArg: true, describe: 'a prompt of token ids: 1,2,3' })
    .option('raw', {
      type: 'boolean',
      default: false,
      describe: 'no chat template: continue the prompt as it is',
    })
    .option('max-tokens', integer('max-tokens', 0, { default: 256, describe: 'most tokens to write' }))
    .option('ignore-eos', { type: 'boolean', default: false, describe: 'go on past end tokens' })
}

/** `run MODEL -p TEXT`: one answer, streamed. */
export async function run(args: RunArguments, output: Output, signal: AbortSignal): Promise<void> {
  if ((args.prompt === undefined) === (args.ids === undefined))
    throw new TesseraError('invalid-option', 'run: give either -p TEXT or --ids 1,2,3')
  const given = args.ids === undefined ? undefined : parseIds(args.ids)
  checkSampling(args)
  await withFiles(args.model, output, signal, async (files) => {
    const text = textOf(files)
    const prompt = given ?? encodePrompt(text, args.prompt ?? '', args.raw)
    const contextLength = contextFor(files, args, {
      what: 'the prompt',
      least: prompt.length,
      wanted: prompt.length + args.maxTokens,
      remedy: 'shorten it',
    })
    await withModel(files, args, { contextLength, text }, output, signal, async ({ model, loadMs }) => {
      const progress = output.progress('reading the prompt')
      const options = {
        ...samplingOptions(args, output),
        maxTokens: args.maxTokens,
        ignoreEos: args.ignoreEos,
        signal,
        onPrefill: progress.report,
      }
      const generation = model.generate(prompt, options)
      await writeText(generation, output, progress)
      const { ids, text, stop, timings } = await generation.result
      const promptTokensPerSecond = rate(timings.promptTokens, timings.promptMs)
      const decodeTokensPerSecond = rate(timings.decodeTokens, timings.decodeMs)
      output.note(
        `${timings.promptTokens} prompt tokens at ${promptTokensPerSecond.toFixed(1)} tok/s, ${ids.length} generated at ${decodeTokensPerSecond.toFixed(1)} tok/s (${stop}) on ${model.device.name}`,
      )
      output.result({
        ids,
        text,
        stop,
        timings: {
          loadMs,
          promptTokens: timings.promptTokens,
          promptTokensPerSecond,
          decodeTokens: timings.decodeTokens,
          decodeTokensPerSecond,
        },
      })
    })
  })
}

/** Encodes a prompt as a message through the chat template; with `raw`, or without a template, as text to continue. */
function encodePrompt(text: ModelText, prompt: string, raw: boolean): number[] {
  const chats = !raw && text.chatTemplate !== undefined
  return chats
    ? encodeChat(text, [{ role: 'user', content: prompt }])
    : text.tokenizer.encode(prompt, { parseSpecial: true })
}

/** Writes pieces as they arrive. Ends the line after an interruption too, so that the text stays readable. */
export async function writeText(generation: Generation, output: Output, progress: Progress): Promise<void> {
  let written = false
  try {
    for await (const { text } of generation) {
      progress.end()
      written ||= text !== ''
      output.text(text)
    }
  } finally {
    progress.end()
    if (written) output.text('\n')
  }
}

function rate(count: number, ms: number): number {
  return ms > 0 ? (count / ms) * 1000 : 0
}
