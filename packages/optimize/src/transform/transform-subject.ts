import type { Multiply } from '@tessera-llm/quantization'
import type { Recipe } from '../recipe/index.ts'
import type { Subject } from '../subject/index.ts'
import { rotateSubject } from './rotate-subject.ts'

/**
 * Applies the steps of a recipe that change weights without changing what the model computes. Nothing is computed before a weight is read.
 *
 * @throws TesseraError `unsupported` for a model that this cannot be done with
 */
export function transformSubject(subject: Subject, { steps, seed = 0 }: Recipe, multiply: Multiply): Subject {
  let now = subject
  for (const step of steps) {
    if (step.kind === 'rotate') now = rotateSubject(now, step, seed, multiply)
  }
  return now
}
