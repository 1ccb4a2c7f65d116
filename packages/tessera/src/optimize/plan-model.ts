import {
  hasBudget,
  namedRecipe,
  parseRecipe,
  planNotes,
  planRecipe,
  type Recipe,
  type ReceiptFile,
} from '@tessera-llm/optimize'
import { hashModel, refuseInside } from '@tessera-llm/optimize/node'
import { type Device, TesseraError } from '@tessera-llm/tensor'
import type { ModelFiles } from '../model-files/index.ts'
import { headCalibrationOf } from './head-calibration.ts'
import { type ModelPlan, type OptimizeModelOptions, withDeviceOf } from './options.ts'
import { allocateRecipe } from './run-recipe.ts'
import { kindOfOutput, subjectOfFiles, type Target, targetOf } from './target.ts'
import { type Tools, withTools } from './tools.ts'
import { withModelFiles } from './with-model-files.ts'

/**
 * Plans what `optimizeModel` would make of a model, tensor by tensor. Runs the model only for a recipe with a budget,
 * whose formats depend on measured losses.
 *
 * @throws TesseraError `not-found`, `invalid-file`, `invalid-option` for a recipe that does not fit the model,
 *   `unsupported`
 */
export async function planModel(options: Omit<OptimizeModelOptions, 'evaluation' | 'onPlan'>): Promise<ModelPlan> {
  const asked = recipeFrom(options.recipe)
  return withModelFiles(options.input, options, async (files) => {
    const target = await targetOf(files, kindOfOutput(options.output), asked)
    if (!hasBudget(asked)) return planOf(files, target, asked)
    const input = await inputOf(files, options.output)
    return withDeviceOf(options, (device) =>
      withTools(
        files,
        target.subject.kind,
        options,
        async (tools) =>
          (await planTarget(files, target, asked, undefined, input, device, { ...options, tools })).planned,
      ),
    )
  })
}

export function recipeFrom(recipe: Recipe | string): Recipe {
  return typeof recipe === 'string' ? namedRecipe(recipe) : parseRecipe(recipe)
}

export async function planOf(files: ModelFiles, { subject }: Target, recipe: Recipe): Promise<ModelPlan> {
  const plan = planRecipe(subject, recipe, { stored: subjectOfFiles(files).weights })
  return { plan, notes: await planNotes(subject, recipe), recipe }
}

/** The target with heads merged by the calibration text, and its plan with the formats that a budget chose. */
export async function planTarget(
  files: ModelFiles,
  before: Target,
  asked: Recipe,
  early: ModelPlan | undefined,
  { sha256: inputHash }: ReceiptFile,
  device: Device,
  options: Omit<OptimizeModelOptions, 'recipe' | 'device'> & { readonly tools: Tools },
): Promise<{ readonly target: Target; readonly planned: ModelPlan }> {
  const settings = { ...options, device, recipe: asked, inputHash }
  const heads = await headCalibrationOf(files, settings)
  const target = heads ? await targetOf(files, before.kind, asked, heads) : before
  if (early) return { target, planned: early }
  const allocation = await allocateRecipe(target, settings)
  return { target, planned: { ...(await planOf(files, target, allocation.recipe)), allocation } }
}

/**
 * Hash and size of an input, under the name that the user gave.
 *
 * @throws TesseraError `unsupported` for an input that is not on disk, `invalid-option` for an output inside of it
 */
export async function inputOf({ name, path }: ModelFiles, output?: string): Promise<ReceiptFile> {
  if (path === undefined)
    throw new TesseraError(
      'unsupported',
      `optimize: ${name} is read from the network, and optimize reads it several times; download it first, or take it from the hub (hf:owner/repository/file.gguf), which keeps it`,
    )
  if (output !== undefined) refuseInside(path, output)
  return { ...(await hashModel(path)), path: name }
}
