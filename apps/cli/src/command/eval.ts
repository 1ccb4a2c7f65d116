import {
  cutWindows,
  type Divergence,
  measureDivergence,
  measurePerplexity,
  type Perplexity,
  type PerplexityProtocol,
  type WindowOptions,
} from '@tessera-llm/evaluation'
import type { Session } from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'
import type { Argv } from 'yargs'
import {
  contextFor,
  encoderConfigOf,
  integer,
  type ModelArguments,
  modelOptions,
  readTextFile,
  textOf,
  usualWindow,
  withFiles,
  withModel,
} from '../open/index.ts'
import type { Output } from '../terminal/index.ts'
import { evaluateEncoder } from './eval-encoder.ts'

export interface EvalArguments extends ModelArguments {
  readonly text: string
  readonly against: string | undefined
  /** Undefined for 512, or the model's context where that is less. */
  readonly window: number | undefined
  readonly windows: number | undefined
  readonly skip: number
  readonly protocol: PerplexityProtocol
  /** Number of sentences; encoders only. */
  readonly sentences: number
  readonly chunk: number | undefined
}

export function evalArguments(yargs: Argv) {
  return modelOptions(yargs, 'exact')
    .option('text', { type: 'string', demandOption: true, requiresArg: true, describe: 'a text file' })
    .option('against', {
      type: 'string',
      requiresArg: true,
      describe: 'the model that MODEL was made of: adds the divergence from it, token by token',
    })
    .option(
      'window',
      integer('window', 3, { describe: 'tokens a window (default: 512, or the context of the model if it is less)' }),
    )
    .option('windows', integer('windows', 1, { describe: 'how many windows (default: all)' }))
    .option('skip', integer('skip', 0, { default: 0, describe: 'windows to leave out at the start' }))
    .option('protocol', {
      choices: ['second-half', 'all'] as const,
      default: 'second-half' as const,
      describe: 'second-half scores positions 257…511 of 512 as llama.cpp does, all 1…511',
    })
    .option(
      'sentences',
      integer('sentences', 2, {
        default: 500,
        describe: 'encoders: how many sentences of the text, spread evenly over it',
      }),
    )
    .option(
      'chunk',
      integer('chunk', 1, {
        describe:
          'tokens that are read at once; 1 as in generation, where caches of few bits have rounded all but the last tokens (default: what is fast)',
      }),
    )
}

type Measured = Perplexity &
  Partial<Pick<Divergence, 'kld' | 'kldStandardError' | 'kldStandardErrorClustered' | 'top1Agreement' | 'original'>>

/**
 * `eval MODEL --text FILE [--against ORIGINAL]`: perplexity on a text by windows, and the divergence from another
 * model. For an encoder, the difference of its vectors from the other's.
 */
export async function evaluate(args: EvalArguments, output: Output, signal: AbortSignal): Promise<void> {
  const written = await readTextFile('text', args.text)
  await withFiles(args.model, output, signal, async (files) => {
    if (encoderConfigOf(files)) return evaluateEncoder(files, written, args, output, signal)
    const text = textOf(files)
    const { tokenizer } = text
    const ids = tokenizer.encode(written)
    const { window = usualWindow(files), windows, skip, protocol } = args
    const bosId = tokenizer.addBos ? tokenizer.bosId : undefined
    const cut = { window, windows, skip, protocol, bosId }
    // Throws before weights are loaded if the text or the context is too short.
    cutWindows(ids, cut)
    const contextLength = contextFor(files, args, {
      what: `a window of ${window}`,
      least: window - 1,
      remedy: 'use a smaller --window',
    })
    await withModel(
      files,
      args,
      { contextLength, text, everyLogits: true, chunkTokens: args.chunk },
      output,
      signal,
      async ({ model, session }) => {
        const measured =
          args.against === undefined
            ? await measureAlone(session, ids, { ...cut, signal }, output)
            : await measureAgainst(args.against, session, written, ids, { ...cut, signal }, args, output)
        const {
          perplexity,
          standardError,
          standardErrorClustered,
          tokens,
          nll,
          kld,
          kldStandardError,
          kldStandardErrorClustered,
          top1Agreement,
          original,
        } = measured
        output.text(
          `perplexity ${perplexity.toFixed(4)} ± ${standardError.toFixed(4)} (tokens independent), ± ${standardErrorClustered.toFixed(4)} (windows as clusters)\n`,
        )
        if (kld !== undefined) {
          output.text(
            `divergence ${significant(kld)} ± ${significant(kldStandardError)} (tokens independent), ± ${significant(kldStandardErrorClustered)} (windows as clusters) from ${args.against}, of perplexity ${original?.perplexity.toFixed(4)}\n`,
          )
          output.text(`the same most likely token in ${((top1Agreement ?? 0) * 100).toFixed(2)} % of places\n`)
        }
        output.text(
          `${tokens} tokens scored by ${protocol} in ${nll.length} windows of ${window}, ${session.activations} activations on ${model.device.name}\n`,
        )
        output.result({
          perplexity,
          standardError,
          standardErrorClustered,
          tokens,
          nll,
          ...(kld === undefined ? {} : { kld, kldStandardError, kldStandardErrorClustered, top1Agreement, original }),
        })
      },
    )
  })
}

type CutOptions = WindowOptions & { readonly signal: AbortSignal }

async function measureAlone(
  session: Session,
  ids: readonly number[],
  options: CutOptions,
  output: Output,
): Promise<Measured> {
  const progress = output.progress('measuring')
  try {
    return await measurePerplexity(session, ids, {
      ...options,
      onProgress: ({ windows, totalWindows }) => progress.report(windows, totalWindows),
    })
  } finally {
    progress.end()
  }
}

/** Opens the original beside the loaded model. Both must tokenize the text to the same ids. */
async function measureAgainst(
  name: string,
  session: Session,
  written: string,
  ids: readonly number[],
  options: CutOptions,
  args: EvalArguments,
  output: Output,
): Promise<Measured> {
  return withFiles(name, output, options.signal, async (files) => {
    const text = textOf(files)
    const same = text.tokenizer.encode(written)
    const differs = ids.findIndex((id, index) => same[index] !== id)
    if (differs >= 0 || same.length !== ids.length) {
      throw new TesseraError(
        'invalid-value',
        `--against: ${name} reads the text as other tokens than ${args.model} (first at token ${differs < 0 ? ids.length : differs}); divergence needs the same tokenizer in both`,
      )
    }
    const least = (options.window ?? 512) - 1
    const contextLength = contextFor(files, args, {
      what: `a window of ${least + 1}`,
      least,
      remedy: 'use a smaller --window',
    })
    // The original's cache stays exact, so that a model against itself shows the loss by a quantized cache.
    return withModel(
      files,
      { ...args, cache: 'f32' },
      { contextLength, text, everyLogits: true },
      output,
      options.signal,
      async (original) => {
        const progress = output.progress('measuring')
        try {
          const { compared, ...divergence } = await measureDivergence(original.session, session, ids, {
            ...options,
            onProgress: ({ windows, totalWindows }) => progress.report(windows, totalWindows),
          })
          return { ...divergence, ...compared }
        } finally {
          progress.end()
        }
      },
    )
  })
}

/** Three significant digits, because divergences range from 1e-4 to 10. */
function significant(value: number | undefined): string {
  return value === undefined ? '' : Number(value.toPrecision(3)).toString()
}
