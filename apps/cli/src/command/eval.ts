import { cutWindows, measurePerplexity, type PerplexityProtocol } from '@tessera-llm/evaluation'
import { contextFor, type ModelArguments, readTextFile, textOf, withFiles, withModel } from '../open/index.ts'
import type { Output } from '../terminal/index.ts'

export interface EvalArguments extends ModelArguments {
  readonly text: string
  readonly window: number
  readonly windows: number | undefined
  readonly skip: number
  readonly protocol: PerplexityProtocol
}

/** `eval MODEL --text FILE`: perplexity on a text, window by window. */
export async function evaluate(args: EvalArguments, output: Output, signal: AbortSignal): Promise<void> {
  const written = await readTextFile('text', args.text)
  await withFiles(args.model, output, signal, async (files) => {
    const text = textOf(files)
    const { tokenizer } = text
    const ids = tokenizer.encode(written)
    const { window, windows, skip, protocol } = args
    const bosId = tokenizer.addBos ? tokenizer.bosId : undefined
    const cut = { window, windows, skip, protocol, bosId }
    // What the text or the context cannot hold is said before the weights are loaded.
    cutWindows(ids, cut)
    const contextLength = contextFor(files, args, { what: `a window of ${window}`, least: window - 1, remedy: 'use a smaller --window' })
    await withModel(files, args, { contextLength, text, everyLogits: true }, output, signal, async ({ model, session }) => {
      const progress = output.progress('measuring')
      try {
        const measured = await measurePerplexity(session, ids, { ...cut, signal, onProgress: ({ windows: done, totalWindows }) => progress.report(done, totalWindows) })
        progress.end()
        const { perplexity, standardError, standardErrorClustered, tokens, nll } = measured
        output.text(`perplexity ${perplexity.toFixed(4)} ± ${standardError.toFixed(4)} (tokens independent), ± ${standardErrorClustered.toFixed(4)} (windows as clusters)\n`)
        output.text(`${tokens} tokens scored by ${protocol} in ${nll.length} windows of ${window}, ${session.activations} activations on ${model.device.name}\n`)
        output.result({ perplexity, standardError, standardErrorClustered, tokens, nll })
      } finally {
        progress.end()
      }
    })
  })
}
