import { randomInt } from 'node:crypto'
import { createSampler, type SamplerOptions } from '@tessera-llm/runtime'
import type { Argv } from 'yargs'
import { decimal, integer, type ModelArguments } from '../open/index.ts'
import type { Output } from '../terminal/index.ts'

export interface SamplingArguments {
  readonly temperature: number
  readonly topK: number | undefined
  readonly topP: number | undefined
  readonly minP: number | undefined
  readonly typicalP: number | undefined
  readonly repeatPenalty: number | undefined
  readonly frequencyPenalty: number | undefined
  readonly presencePenalty: number | undefined
  readonly stop: readonly string[] | undefined
  readonly seed: number | undefined
}

export function samplingArguments(yargs: Argv<ModelArguments>) {
  return yargs
    .option('temperature', decimal('temperature', { default: 0.7, describe: '0 always takes the most likely token' }))
    .option('top-k', integer('top-k', 1, { describe: 'keep the k most likely tokens' }))
    .option('top-p', decimal('top-p', { describe: 'keep the smallest set of tokens with this probability' }))
    .option('min-p', decimal('min-p', { describe: 'drop tokens below this share of the most likely one' }))
    .option(
      'typical-p',
      decimal('typical-p', { describe: 'keep tokens of typical information up to this probability' }),
    )
    .option(
      'repeat-penalty',
      decimal('repeat-penalty', { describe: 'above 1: discourage tokens that were used already' }),
    )
    .option(
      'frequency-penalty',
      decimal('frequency-penalty', { describe: 'subtract this from a logit for each use of its token' }),
    )
    .option(
      'presence-penalty',
      decimal('presence-penalty', { describe: 'subtract this from the logits of tokens that were used' }),
    )
    .option('stop', {
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'a text that ends the answer; may be given more than once',
    })
    .option(
      'seed',
      integer('seed', 0, { describe: 'the same seed gives the same text (default: a new one, which is said)' }),
    )
}

/**
 * Refuses what no sampler takes, before a model is loaded.
 *
 * @throws TesseraError `invalid-option`
 */
export function checkSampling(args: SamplingArguments): void {
  createSampler(samplerOptions(args, 0))
}

/**
 * Sampling options from the arguments. Without `--seed` it draws a seed and prints it on stderr, so that the text can
 * be reproduced; greedy decoding needs no seed.
 */
export function samplingOptions(
  args: SamplingArguments,
  output: Output,
): SamplerOptions & { readonly stop?: readonly string[] } {
  const { temperature, stop } = args
  const seed = args.seed ?? (temperature === 0 ? 0 : randomInt(2 ** 32))
  if (args.seed === undefined && temperature !== 0) output.note(`--seed ${seed} gives this text again`)
  return { ...samplerOptions(args, seed), ...(stop === undefined ? {} : { stop }) }
}

function samplerOptions(args: SamplingArguments, seed: number): SamplerOptions {
  const { temperature, topK, topP, minP, typicalP, repeatPenalty, frequencyPenalty, presencePenalty } = args
  return {
    temperature,
    seed,
    ...(topK === undefined ? {} : { topK }),
    ...(topP === undefined ? {} : { topP }),
    ...(minP === undefined ? {} : { minP }),
    ...(typicalP === undefined ? {} : { typicalP }),
    ...(repeatPenalty === undefined ? {} : { repetitionPenalty: repeatPenalty }),
    ...(frequencyPenalty === undefined ? {} : { frequencyPenalty }),
    ...(presencePenalty === undefined ? {} : { presencePenalty }),
  }
}
