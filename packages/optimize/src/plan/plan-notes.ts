import { createPlainMultiply } from '@tessera-llm/quantization'
import { assignSteps } from '../apply/assignments.ts'
import { planScalings } from '../apply/scale-inputs.ts'
import { recordModel } from '../program/index.ts'
import type { Recipe } from '../recipe/index.ts'
import type { Subject } from '../subject/index.ts'
import { transformSubject } from '../transform/index.ts'

/**
 * What the scaling steps of a recipe (`awq`, `smooth`) cannot do to a model, as sentences, before anything is computed: the inputs that come
 * from something that cannot be divided.
 *
 * @throws TesseraError `invalid-option` for a recipe that does not fit the model, `unsupported`
 */
export async function planNotes(original: Subject, recipe: Recipe): Promise<readonly string[]> {
  if (!recipe.steps.some(({ kind }) => kind === 'awq' || kind === 'smooth')) return []
  const subject = transformSubject(original, recipe, createPlainMultiply())
  // What reads what is the same for a window of any length.
  return planScalings(subject, await recordModel(subject, 2), recipe, assignSteps(subject.weights, recipe)).flatMap(({ notes }) => notes)
}
