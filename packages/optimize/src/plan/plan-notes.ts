import { createPlainMultiply } from '@tessera-llm/quantization'
import { assignSteps } from '../apply/assignments.ts'
import { planScalings } from '../apply/scale-inputs.ts'
import { recordModel } from '../program/index.ts'
import { mixNotes } from '../mix/index.ts'
import type { Recipe } from '../recipe/index.ts'
import type { Subject } from '../subject/index.ts'
import { transformNotes, transformSubject } from '../transform/index.ts'

/**
 * Remarks on a recipe before anything is computed, as sentences: requirements on programs that run the model, types of
 * a mix that do not fit its rows, and inputs that scaling steps (`awq`, `smooth`) cannot scale because their producer
 * cannot be divided.
 *
 * @throws TesseraError `invalid-option` for a recipe that does not fit the model, `unsupported`
 */
export async function planNotes(original: Subject, recipe: Recipe): Promise<readonly string[]> {
  const subject = transformSubject(original, recipe, createPlainMultiply())
  const notes = [...transformNotes(original, subject), ...mixNotes(subject.weights, recipe)]
  if (!recipe.steps.some(({ kind }) => kind === 'awq' || kind === 'smooth')) return notes
  // The graph is the same for windows of any length.
  const scalings = planScalings(subject, await recordModel(subject, 2), recipe, assignSteps(subject.weights, recipe))
  return [...notes, ...scalings.flatMap(({ notes: ofStep }) => ofStep)]
}
