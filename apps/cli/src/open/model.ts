import { checkMemory, type Session } from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'
import type { LoadProgress, Model, ModelText } from '@tessera-llm/tessera'
import { loadFiles, type ModelFiles } from '@tessera-llm/tessera/node'
import type { Output } from '../terminal/index.ts'
import { openDevice } from './device.ts'
import { configOf } from './files.ts'
import { availableMemory, describePlan, planFor } from './memory.ts'
import { cacheOf, chunkTokens, type ModelArguments } from './options.ts'

export interface LoadedModel {
  readonly model: Model
  readonly session: Session
  /** Milliseconds from open files to a model ready to run, without downloads. */
  readonly loadMs: number
}

export interface UseModelOptions {
  /** Tokens that the command will put into the cache. */
  readonly contextLength: number
  /** Whether the command asks for the logits of every token, not only of the last one. */
  readonly everyLogits?: boolean | undefined
  /** Tokens that prefill computes at once; undefined for the device's default. */
  readonly chunkTokens?: number | undefined
  readonly text?: ModelText | undefined
}

/** Default context of a conversation: enough for a chat, below the model's maximum. */
export function usualContext(files: ModelFiles): number {
  return Math.min(4096, configOf(files).contextLength)
}

/** Default length of windows of a text: 512 tokens, or the model's context where that is less. */
export function usualWindow(files: ModelFiles): number {
  return Math.min(512, configOf(files).contextLength)
}

export interface ContextNeed {
  /** What needs the context, for messages: `the prompt`. */
  readonly what: string
  /** Tokens without which the command cannot run. */
  readonly least: number
  /** Tokens that the command uses if it can get them; `least` if undefined. */
  readonly wanted?: number | undefined
  readonly remedy: string
}

/** Context of a command: `--context` if given, else `wanted`. Throws `context-full` if it is too small. */
export function contextFor(
  files: ModelFiles,
  { context }: Pick<ModelArguments, 'context'>,
  { what, least, wanted = least, remedy }: ContextNeed,
): number {
  const { contextLength } = configOf(files)
  if (context !== undefined && context > contextLength)
    throw new TesseraError(
      'invalid-option',
      `--context ${context} exceeds what the model allows, ${contextLength} tokens`,
    )
  const limit = Math.min(context ?? wanted, contextLength)
  if (least <= limit) return limit
  const raise = least <= contextLength ? `, or raise --context (the model allows ${contextLength})` : ''
  throw new TesseraError(
    'context-full',
    `${what} takes ${least} tokens, but the context holds ${limit}; ${remedy}${raise}`,
  )
}

/**
 * Prints the memory that the model needs, refuses what cannot fit, loads with progress, and disposes of everything
 * after `use`.
 */
export async function withModel<T>(
  files: ModelFiles,
  args: ModelArguments,
  options: UseModelOptions,
  output: Output,
  signal: AbortSignal,
  use: (loaded: LoadedModel) => Promise<T>,
): Promise<T> {
  const { contextLength, text, everyLogits, chunkTokens: chunk = chunkTokens(args.device) } = options
  const plan = planFor(files, args, contextLength, everyLogits)
  output.note(`${files.name} ${describePlan(plan)}`)
  checkMemory(plan, availableMemory(args.device))
  const device = await openDevice(args)
  try {
    const progress = output.progress('loading')
    const settings = {
      device,
      text,
      signal,
      contextLength,
      activations: args.activations,
      chunkTokens: chunk,
      cache: cacheOf(args),
      onProgress: ({ loadedBytes, totalBytes }: LoadProgress) => progress.report(loadedBytes, totalBytes),
      onNote: output.note,
    }
    const model = await loadFiles(files, settings).finally(() => progress.end())
    try {
      return await use({ model, session: model.session, loadMs: performance.now() - files.beganAt })
    } finally {
      await model.dispose()
    }
  } finally {
    await device.dispose()
  }
}
