import { createPlainMultiply } from '@tessera-llm/quantization'
import { assignSteps } from '../apply/assignments.ts'
import { type WeightClass, weightClass } from '../names/index.ts'
import type { Recipe } from '../recipe/index.ts'
import type { Subject } from '../subject/index.ts'
import { transformSubject } from '../transform/index.ts'
import type { ModelWeights } from '../weights/index.ts'
import { bytesAs, formatLabel } from './format-bytes.ts'

/** One tensor before and after a recipe, by canonical name; sizes are in bytes. */
export interface PlannedTensor {
  readonly name: string
  readonly class: WeightClass
  readonly shape: readonly number[]
  readonly before: { readonly format: string; readonly bytes: number }
  readonly after: { readonly format: string; readonly bytes: number }
  /** Method: `gptq`; undefined for an unchanged tensor. */
  readonly method?: string | undefined
}

/** Result of a recipe, tensor by tensor, before anything is computed. */
export interface RecipePlan {
  readonly tensors: readonly PlannedTensor[]
  readonly bytesBefore: number
  readonly bytesAfter: number
}

/** Options of `planRecipe`. */
export interface PlanOptions {
  /** The weights in the given file, if `original` is a conversion of it. */
  readonly stored?: ModelWeights | undefined
}

/** @throws TesseraError `invalid-option` for a recipe that does not fit the model, `unsupported` */
export function planRecipe(
  original: Subject,
  recipe: Recipe,
  { stored: given = original.weights }: PlanOptions = {},
): RecipePlan {
  // The plain product is never called: planning reads no weight.
  const subject = transformSubject(original, recipe, createPlainMultiply())
  const assignments = assignSteps(subject.weights, recipe)
  const tensors = [...subject.weights.values()].map((weight): PlannedTensor => {
    const stored = original.weights.get(weight.name)
    const step = assignments.get(weight.name)
    const kept = {
      format: weight.shape.length > 1 ? 'f16' : 'f32',
      bytes: bytesAs(weight.shape.length > 1 ? 'f16' : 'f32', weight.shape) as number,
    }
    const source = given.get(weight.name)
    const before = source ? { format: source.format, bytes: source.storedBytes } : { format: 'none', bytes: 0 }
    const after = step
      ? { format: formatLabel(step.format), bytes: bytesAs(step.format, weight.shape) as number }
      : stored === weight
        ? { format: stored.format, bytes: stored.storedBytes }
        : kept
    return {
      name: weight.name,
      class: weightClass(weight.name),
      shape: weight.shape,
      before,
      after,
      method: step?.method,
    }
  })
  const sum = (which: 'before' | 'after'): number => tensors.reduce((total, tensor) => total + tensor[which].bytes, 0)
  return { tensors, bytesBefore: sum('before'), bytesAfter: sum('after') }
}

/** Bytes before and after by class, in the order of the model. */
export function bytesByClass({
  tensors,
}: RecipePlan): Readonly<
  Record<string, { readonly tensors: number; readonly before: number; readonly after: number }>
> {
  const classes: Record<string, { tensors: number; before: number; after: number }> = {}
  for (const { class: kind, before, after } of tensors) {
    const entry = (classes[kind] ??= { tensors: 0, before: 0, after: 0 })
    entry.tensors += 1
    entry.before += before.bytes
    entry.after += after.bytes
  }
  return classes
}
