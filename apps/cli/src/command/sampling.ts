import type { SamplerOptions } from '@tessera-llm/runtime'
import type { Argv } from 'yargs'
import { integer, type ModelArguments } from '../open/index.ts'

export interface SamplingArguments {
  readonly temperature: number
  readonly topK: number | undefined
  readonly topP: number | undefined
  readonly minP: number | undefined
  readonly repeatPenalty: number | undefined
  readonly seed: number
}

export function samplingArguments(yargs: Argv<ModelArguments>) {
  return yargs
    .option('temperature', { type: 'number', default: 0.7, describe: '0 always takes the most likely token' })
    .option('top-k', integer('top-k', 1, { describe: 'keep the k most likely tokens' }))
    .option('top-p', { type: 'number', describe: 'keep the smallest set of tokens with this probability' })
    .option('min-p', { type: 'number', describe: 'drop tokens below this share of the most likely one' })
    .option('repeat-penalty', { type: 'number', describe: 'above 1: discourage tokens that were used already' })
    .option('seed', integer('seed', 0, { default: 0, describe: 'the same seed gives the same text' }))
}

export function samplingOptions({
  temperature,
  topK,
  topP,
  minP,
  repeatPenalty,
  seed,
}: SamplingArguments): SamplerOptions {
  return {
    temperature,
    seed,
    ...(topK === undefined ? {} : { topK }),
    ...(topP === undefined ? {} : { topP }),
    ...(minP === undefined ? {} : { minP }),
    ...(repeatPenalty === undefined ? {} : { repetitionPenalty: repeatPenalty }),
  }
}
