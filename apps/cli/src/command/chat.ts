import { createInterface } from 'node:readline'
import type { ChatMessage, GenerateOptions } from '@tessera-llm/runtime'
import { isTesseraError, TesseraError } from '@tessera-llm/tensor'
import type { Model } from '@tessera-llm/tessera'
import type { Argv } from 'yargs'
import {
  contextFor,
  integer,
  type ModelArguments,
  modelOptions,
  textOf,
  usualContext,
  withFiles,
  withModel,
} from '../open/index.ts'
import type { Io, Output } from '../terminal/index.ts'
import { writeText } from './run.ts'
import { checkSampling, type SamplingArguments, samplingArguments, samplingOptions } from './sampling.ts'

export interface ChatArguments extends ModelArguments, SamplingArguments {
  readonly system: string | undefined
  readonly maxTokens: number
}

export function chatArguments(yargs: Argv) {
  return samplingArguments(modelOptions(yargs, 'faster'))
    .option('system', { type: 'string', describe: 'the system message' })
    .option('max-tokens', integer('max-tokens', 1, { default: 1024, describe: 'most tokens of an answer' }))
}

/** `chat MODEL`: a conversation. Ctrl-C stops the current answer; Ctrl-D, or Ctrl-C at the prompt, ends the chat. */
export async function chat(args: ChatArguments, output: Output, signal: AbortSignal, io: Io): Promise<void> {
  checkSampling(args)
  await withFiles(args.model, output, signal, async (files) => {
    const text = textOf(files)
    if (text.chatTemplate === undefined)
      throw new TesseraError(
        'unsupported',
        `chat: ${files.name} has no chat template; tessera run continues a text without one`,
      )
    const contextLength = contextFor(files, args, {
      what: 'a conversation',
      least: 1,
      wanted: usualContext(files),
      remedy: 'use another model',
    })
    await withModel(files, args, { contextLength, text }, output, signal, ({ model }) =>
      converse(model, args, output, signal, io),
    )
  })
}

async function converse(model: Model, args: ChatArguments, output: Output, signal: AbortSignal, io: Io): Promise<void> {
  const messages: ChatMessage[] = args.system === undefined ? [] : [{ role: 'system', content: args.system }]
  const lines = createInterface({ input: io.stdin, output: io.stderr, prompt: '> ' })
  const close = (): void => lines.close()
  const sampling = samplingOptions(args, output)
  let answer: AbortController | undefined
  lines.on('SIGINT', () => (answer ? answer.abort() : close()))
  signal.addEventListener('abort', close)
  try {
    output.note('Type a message and Enter; /clear forgets the conversation, Ctrl-D ends it.')
    lines.prompt()
    for await (const line of lines) {
      const content = line.trim()
      if (content === '/clear') messages.splice(args.system === undefined ? 0 : 1)
      else if (content !== '') {
        answer = new AbortController()
        const options = { ...sampling, maxTokens: args.maxTokens, signal: AbortSignal.any([signal, answer.signal]) }
        await reply(model, messages, content, options, output)
        answer = undefined
        signal.throwIfAborted()
      }
      lines.prompt()
    }
    signal.throwIfAborted()
    output.result({ messages })
  } finally {
    signal.removeEventListener('abort', close)
    close()
  }
}

/** Adds the message and its answer to the conversation. A stopped answer keeps the text that was generated. */
async function reply(
  model: Model,
  messages: ChatMessage[],
  content: string,
  options: GenerateOptions,
  output: Output,
): Promise<void> {
  let written = ''
  const progress = output.progress('reading')
  try {
    const generation = model.chat([...messages, { role: 'user', content }], {
      ...options,
      onPrefill: progress.report,
    })
    await writeText(
      generation,
      {
        ...output,
        text: (piece) => {
          written += piece
          output.text(piece)
        },
      },
      progress,
    )
    const { stop } = await generation.result
    if (stop === 'context') output.note('(the context is full; /clear begins anew)')
  } catch (error) {
    progress.end()
    if (isTesseraError(error, 'context-full'))
      return output.note('This conversation no longer fits the context; /clear forgets it.')
    if (!isTesseraError(error, 'aborted')) throw error
    output.note('(stopped)')
  }
  messages.push({ role: 'user', content }, { role: 'assistant', content: written.trimEnd() })
}
