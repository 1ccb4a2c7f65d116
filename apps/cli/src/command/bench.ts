import { createRandom } from '@tessera-llm/tensor'
import type { Argv } from 'yargs'
import { contextFor, integer, type ModelArguments, modelOptions, withFiles, withModel } from '../open/index.ts'
import { formatBytes, type Output } from '../terminal/index.ts'

export interface BenchArguments extends ModelArguments {
  readonly prompt: number
  readonly generate: number
  readonly repeat: number
}

export function benchArguments(yargs: Argv) {
  return modelOptions(yargs, 'faster')
    .option('prompt', integer('prompt', 1, { default: 512, describe: 'prompt tokens' }))
    .option('generate', integer('generate', 1, { default: 128, describe: 'generated tokens' }))
    .option('repeat', integer('repeat', 1, { default: 3, describe: 'rounds; the medians are shown' }))
}

/** `bench MODEL`: median speeds of prefill and decode on random tokens, on whose values speed does not depend. */
export async function bench(args: BenchArguments, output: Output, signal: AbortSignal): Promise<void> {
  const { prompt: promptTokens, generate, repeat } = args
  await withFiles(args.model, output, signal, async (files) => {
    const contextLength = contextFor(files, args, {
      what: '--prompt plus --generate',
      least: promptTokens + generate,
      remedy: 'lower --prompt or --generate',
    })
    await withModel(files, args, { contextLength }, output, signal, async ({ model, session, loadMs }) => {
      const { vocabSize } = model.language.config
      const random = createRandom(1)
      const prefillRates: number[] = []
      const decodeRates: number[] = []
      const progress = output.progress('measuring')
      try {
        for (let round = 0; round <= repeat; round++) {
          const prompt = Array.from({ length: promptTokens }, () => random.integer(vocabSize))
          session.truncate(0)
          const begin = performance.now()
          await session.prefill(prompt, { signal })
          const middle = performance.now()
          let id = random.integer(vocabSize)
          for (let step = 0; step < generate; step++) {
            signal.throwIfAborted()
            id = await session.stepGreedy(id)
          }
          const end = performance.now()
          progress.report(round + 1, repeat + 1)
          // The first round warms caches and lets V8 optimise the kernels.
          if (round === 0) continue
          prefillRates.push((promptTokens / (middle - begin)) * 1000)
          decodeRates.push((generate / (end - middle)) * 1000)
        }
      } finally {
        progress.end()
      }
      const promptTokensPerSecond = median(prefillRates)
      const decodeTokensPerSecond = median(decodeRates)
      // Kilobytes on every platform, as libuv has it.
      const peakRssBytes = process.resourceUsage().maxRSS * 1024
      output.text(
        `prefill ${promptTokens}: ${promptTokensPerSecond.toFixed(1)} tok/s\ndecode ${generate}: ${decodeTokensPerSecond.toFixed(1)} tok/s\n`,
      )
      output.text(
        `load ${loadMs.toFixed(0)} ms, peak RSS ${formatBytes(peakRssBytes)}, ${session.activations} activations on ${model.device.name}\n`,
      )
      output.result({ promptTokensPerSecond, decodeTokensPerSecond, loadMs, peakRssBytes })
    })
  })
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2
}
