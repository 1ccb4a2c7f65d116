import { TesseraError } from '@tessera-llm/tensor'
import { type MixedStep, mixSteps } from '../mix/index.ts'
import { isBlockLinear } from '../names/index.ts'
import { isSupported } from '../quantize/index.ts'
import { matchTargets, type QuantizeStep, type Recipe } from '../recipe/index.ts'
import { bytesAs } from '../plan/format-bytes.ts'
import type { ModelWeights } from '../weights/index.ts'

/** The quantizing step of each weight: the last one that targets it. Absent weights stay unchanged. */
export type Assignments = ReadonlyMap<string, QuantizeStep | MixedStep>

/**
 * Resolves the targets of a recipe's quantizing steps.
 *
 * @throws TesseraError `invalid-option` for targets that match nothing or no matrix, and for formats that do not fit a
 *   weight's rows
 */
export function assignSteps(weights: ModelWeights, recipe: Recipe): Assignments {
  const names = [...weights.keys()]
  const assigned = new Map<string, QuantizeStep | MixedStep>()
  for (const step of recipe.steps) {
    if (step.kind === 'budget')
      throw new TesseraError(
        'invalid-option',
        `recipe: the budget of ${step.size} is not allocated yet; call allocateBudget, which gives the recipe that fits it`,
      )
    if (step.kind === 'mix') for (const [name, mixed] of mixSteps(step, weights)) assigned.set(name, mixed)
    if (step.kind !== 'quantize') continue
    const supported = isSupported(step)
    if (supported !== true) throw new TesseraError('unsupported', `recipe: ${supported}`)
    const matched =
      step.targets === undefined
        ? names.filter(isBlockLinear)
        : matchTargets(step.targets, names).filter((name) => weights.get(name)?.shape.length === 2)
    if (matched.length === 0)
      throw new TesseraError(
        'invalid-option',
        `recipe: the targets ${JSON.stringify(step.targets ?? 'of the linear layers')} match no matrix of this model`,
      )
    if (step.compensateBias && !matched.some((name) => weights.has(`${name}.bias`)))
      throw new TesseraError(
        'invalid-option',
        'recipe: compensateBias is for layers that have a bias, and none of those that the step names has one; leave it out',
      )
    for (const name of matched) {
      const shape = weights.get(name)?.shape ?? []
      const bytes = bytesAs(step.format, shape)
      if (typeof bytes === 'string')
        throw new TesseraError(
          'invalid-option',
          `recipe: ${name} cannot be stored as ${JSON.stringify(step.format)}: ${bytes}`,
        )
      assigned.set(name, step)
    }
  }
  return new Map([...assigned].sort(([a], [b]) => names.indexOf(a) - names.indexOf(b)))
}
