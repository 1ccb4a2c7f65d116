import type { Multiply } from '@tessera-llm/quantization'
import { TesseraError } from '@tessera-llm/tensor'
import type { Recipe } from '../recipe/index.ts'
import type { Subject } from '../subject/index.ts'
import { rotateSubject } from './rotate-subject.ts'

/**
 * Applies the steps of a recipe that change weights without a text and without changing the model's function. Weights
 * are computed when they are read.
 *
 * @throws TesseraError `unsupported` for a model that a step cannot transform, `invalid-option` for a rotation after
 *   scales, a cache of an encoder, or heads that are not merged yet
 */
export function transformSubject(subject: Subject, { steps, seed = 0, cache }: Recipe, multiply: Multiply): Subject {
  if (cache && subject.kind !== 'decoder')
    throw new TesseraError(
      'invalid-option',
      'recipe: cache says how keys and values are kept, and an encoder keeps none; leave it out',
    )
  let now = subject
  const scaling = steps.findIndex(({ kind }) => kind === 'awq' || kind === 'smooth')
  for (const [index, step] of steps.entries()) {
    if (step.kind === 'convert-heads' && subject.config.numKvHeads !== step.numKvHeads)
      throw new TesseraError(
        'invalid-option',
        `recipe: steps[${index}] (convert-heads) asks for ${step.numKvHeads} KV heads, and the model has ${subject.config.numKvHeads}; heads are merged before a subject is made: subjectOf(recipeCheckpoint(checkpoint, recipe).checkpoint, …)`,
      )
    if (step.kind === 'rotate' && scaling >= 0 && index > scaling)
      throw new TesseraError(
        'invalid-option',
        `recipe: steps[${index}] rotates what steps[${scaling}] (${steps[scaling]?.kind}) has scaled; put rotate before it`,
      )
    if (step.kind === 'rotate') now = rotateSubject(now, step, seed, multiply)
  }
  return now
}
