import { createRandom, TesseraError } from '@tessera-llm/tensor'
import { allCandidates, draw, placeOfLargest, probabilities } from './candidates.ts'
import {
  checkRange,
  logitBias,
  minP,
  repetitionPenalty,
  type SamplerStep,
  temperature,
  topK,
  topP,
  typicalP,
  usePenalty,
} from './steps.ts'

/** Options of `createSampler`; steps of absent options are skipped. */
export interface SamplerOptions {
  /** Custom steps, applied before all others to the model's logits, which they may change or drop. */
  readonly processors?: readonly SamplerStep[] | undefined
  /** Divisor of the logits; 0 always takes the most likely token. Default 0. */
  readonly temperature?: number | undefined
  /** Keeps the k largest logits, and ties of the last. */
  readonly topK?: number | undefined
  /** Keeps the fewest most likely tokens whose total probability reaches this, 0 … 1 (Holtzman et al. 2020). */
  readonly topP?: number | undefined
  /** Drops tokens below this fraction of the largest probability. */
  readonly minP?: number | undefined
  /**
   * Keeps the tokens whose information is nearest the entropy until their total probability reaches this (Meister et
   * al. 2023).
   */
  readonly typicalP?: number | undefined
  /** Divides positive and multiplies negative logits of tokens in the history by this (Keskar et al. 2019). */
  readonly repetitionPenalty?: number | undefined
  /** Subtracted from a logit for each time its token occurs in the history. */
  readonly frequencyPenalty?: number | undefined
  /** Subtracted once from the logits of tokens in the history. */
  readonly presencePenalty?: number | undefined
  /** Added to single logits, by token id; −∞ forbids a token. */
  readonly logitBias?: Readonly<Record<number, number>> | undefined
  /**
   * Order of the steps. `transformers` (default): bias, penalties, temperature, top-k, top-p, min-p, typical.
   * `llama.cpp`: bias, penalties, top-k, typical, top-p, min-p, temperature. With `llama.cpp` the limits on probability
   * apply before the temperature, with `transformers` after it.
   */
  readonly order?: 'transformers' | 'llama.cpp' | undefined
  /** Seed of the random generator; equal seeds draw equal tokens. Default 0. */
  readonly seed?: number | undefined
}

/** Chooses the next token of a sequence. */
export interface Sampler {
  /** Whether the most likely token is always taken and no step changes the logits. */
  readonly isGreedy: boolean
  /**
   * Chooses the next token after `history`.
   *
   * @throws TesseraError `invalid-value` for logits that contain NaN or no finite value
   */
  sample(logits: Float32Array, history: readonly number[]): number
}

/**
 * Creates a sampler: the steps of `samplerSteps`, softmax, and the first token (by id) whose cumulative probability
 * exceeds a uniform number of the seeded Philox generator, one number a draw.
 */
export function createSampler(options: SamplerOptions = {}): Sampler {
  const { temperature: heat = 0, seed = 0 } = options
  const steps = samplerSteps(options)
  const random = createRandom(seed)
  const isGreedy = heat === 0 && steps.length === 0
  return {
    isGreedy,
    sample(logits, history) {
      if (isGreedy) return placeOfLargest(logits)
      const { ids, logits: values } = steps.reduce(
        (candidates, step) => step(candidates, history),
        allCandidates(logits),
      )
      const place = heat === 0 ? placeOfLargest(values) : draw(probabilities(values), random.uniform())
      return ids[place] as number
    },
  }
}

/** The steps of the options, in the order of `options.order`; options without an effect add no step. */
export function samplerSteps(options: SamplerOptions): readonly SamplerStep[] {
  const {
    frequencyPenalty = 0,
    presencePenalty = 0,
    repetitionPenalty: repetition = 1,
    temperature: heat = 0,
    order = 'transformers',
  } = options
  checkRange('temperature', heat, 0, 1e6)
  const known: readonly string[] = ['transformers', 'llama.cpp']
  if (!known.includes(order))
    throw new TesseraError('invalid-option', `sampler: order must be transformers or llama.cpp, not ${String(order)}`)
  const changes = [
    ...(options.processors ?? []),
    ...(options.logitBias ? [logitBias(options.logitBias)] : []),
    ...(repetition === 1 ? [] : [repetitionPenalty(repetition)]),
    ...(frequencyPenalty === 0 && presencePenalty === 0 ? [] : [usePenalty(frequencyPenalty, presencePenalty)]),
  ]
  const heats = heat === 0 || heat === 1 ? [] : [temperature(heat)]
  const ranks = optional(options.topK, topK)
  const masses = optional(options.topP, topP)
  const shares = optional(options.minP, minP)
  const typical = optional(options.typicalP, typicalP)
  return order === 'transformers'
    ? [...changes, ...heats, ...ranks, ...masses, ...shares, ...typical]
    : [...changes, ...ranks, ...typical, ...masses, ...shares, ...heats]
}

function optional(value: number | undefined, make: (value: number) => SamplerStep): SamplerStep[] {
  return value === undefined ? [] : [make(value)]
}
