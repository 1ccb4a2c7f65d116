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

export interface SamplerOptions {
  /** Steps of your own, before all others: they see the model's logits, and may change them or drop tokens. */
  readonly processors?: readonly SamplerStep[] | undefined
  /** Divides the logits; 0 always takes the most likely token. Default 0. */
  readonly temperature?: number | undefined
  /** Keeps the k largest logits (and ties of the last). */
  readonly topK?: number | undefined
  /** Keeps the fewest most likely tokens whose probability reaches this (Holtzman et al. 2020). */
  readonly topP?: number | undefined
  /** Drops tokens below this share of the most likely one's probability. */
  readonly minP?: number | undefined
  /** Keeps tokens of typical information until their mass reaches this (Meister et al. 2023). */
  readonly typicalP?: number | undefined
  /** Divides positive and multiplies negative logits of tokens in the history (Keskar et al. 2019). */
  readonly repetitionPenalty?: number | undefined
  /** Subtracted from a logit for each time its token occurs in the history. */
  readonly frequencyPenalty?: number | undefined
  /** Subtracted once from the logits of tokens in the history. */
  readonly presencePenalty?: number | undefined
  /** Added to single logits, by token id; −∞ forbids a token. */
  readonly logitBias?: Readonly<Record<number, number>> | undefined
  /**
   * Which program's order the steps have. `transformers` (default): bias, penalties, temperature, top-k, top-p, min-p,
   * typical. `llama.cpp`: bias, penalties, top-k, typical, top-p, min-p, temperature. The order matters: there the limits on
   * probability see the model's own distribution, here the flattened one.
   */
  readonly order?: 'transformers' | 'llama.cpp' | undefined
  /** The same seed draws the same tokens. Default 0. */
  readonly seed?: number | undefined
}

export interface Sampler {
  /** True when the most likely token is always taken and nothing changes the logits. */
  readonly isGreedy: boolean
  /** The next token after `history`. Throws `invalid-value` for logits that hold NaN or nothing finite. */
  sample(logits: Float32Array, history: readonly number[]): number
}

/**
 * Draws tokens: the steps of `samplerSteps`, softmax, and the first token (by id) whose cumulative probability exceeds a
 * uniform number of the seeded Philox generator, one number a draw.
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

/** The steps that the options ask for, in the order that they name; what changes nothing has no step. */
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
