import { createPlainMultiply } from '@tessera-llm/quantization'
import { assignSteps } from '../apply/assignments.ts'
import type { Layout, Recipe } from '../recipe/index.ts'
import type { Subject } from '../subject/index.ts'
import { transformSubject } from '../transform/index.ts'
import { chooseLayout, refuseMixedTypes } from './layout.ts'
import { ggufFormat } from './write-model.ts'

/**
 * Checks before anything is computed that a file of the model's kind can hold the result of a recipe; returns the
 * layout of a folder.
 *
 * @throws TesseraError `unsupported` for a weight that the file cannot hold, with layouts that can; `invalid-option`
 *   for a recipe that does not fit the model
 */
export function plannedLayout(original: Subject, recipe: Recipe): Layout | undefined {
  const subject = transformSubject(original, recipe, createPlainMultiply())
  const assignments = assignSteps(subject.weights, recipe)
  if (subject.container === 'hugging-face') {
    refuseMixedTypes(assignments, recipe.activations)
    return chooseLayout(subject, assignments, recipe.layout)
  }
  for (const [name, { format }] of assignments) ggufFormat(name, format)
  return undefined
}
