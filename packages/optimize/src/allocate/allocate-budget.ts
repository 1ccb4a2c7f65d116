import { createPlainMultiply } from '@tessera-llm/quantization'
import { type Device, sizeOf, TesseraError } from '@tessera-llm/tensor'
import { assignSteps } from '../apply/assignments.ts'
import { type CalibrationText, calibrationSizes, calibrationWindows } from '../calibration/index.ts'
import { formatLabel } from '../plan/index.ts'
import type { Solver } from '../quantize/index.ts'
import {
  type BudgetStep,
  parseByteSize,
  type QuantizeStep,
  type Recipe,
  type RecipeStep,
  type WeightFormat,
} from '../recipe/index.ts'
import { memoryStore, type WorkStore } from '../store/index.ts'
import type { Subject } from '../subject/index.ts'
import { transformSubject } from '../transform/index.ts'
import { type ChosenFormats, chooseFormats } from './choose-formats.ts'
import type { FileSize } from './file-size.ts'
import { jointLosses, type JointLossOptions } from './joint-loss.ts'
import { measureLosses, type WeightLosses } from './measure-losses.ts'
import { type FormatChoice, openWeights, tooSmall } from './open-weights.ts'

/** Options of `allocateBudget`. */
export interface AllocateOptions {
  readonly device: Device
  /** The text on which losses are measured. Required for a recipe with a budget. */
  readonly calibration?: CalibrationText | undefined
  /** Sizes of the file to be written: `ggufFileSize(subject, checkpoint)`. */
  readonly file: FileSize
  /** Stores the measured losses, so that a run that resumes does not measure again. Default: memory. */
  readonly store?: WorkStore | undefined
  /** Key of the losses in `store`, such as a hash of model and text; losses with another key are deleted. */
  readonly identity?: string | undefined
  /** As for `applyRecipe`. */
  readonly solver?: Solver | undefined
  /** `weights` are measured first, then whole `models` where single losses do not decide; each from 0 to its total. */
  readonly onProgress?: ((done: number, total: number, what: 'weights' | 'models') => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** A weight with its chosen format. */
export interface AllocatedWeight {
  readonly name: string
  /** Undefined if the weight stays as stored. */
  readonly format: WeightFormat | undefined
  readonly bytes: number
  /** Predicted share of the divergence, nats a token. */
  readonly loss: number
}

/** Result of `allocateBudget`: formats for all weights that a budget covers. Losses are in nats a token. */
export interface BudgetAllocation {
  /** The recipe with `quantize` steps in place of the budget: what `planRecipe` and `applyRecipe` take. */
  readonly recipe: Recipe
  readonly budget: number
  /** Bytes of the file that will be written, ≤ budget. */
  readonly bytes: number
  /** Sum of the predicted losses, and the least that any choice within the budget could have. */
  readonly loss: number
  readonly lowerBound: number
  readonly weights: readonly AllocatedWeight[]
}

/** Tokens of calibration for the statistics of inputs, in whole windows: GPTQ sees each window's first token as often. */
const knownTokens = 2048
/** First tokens of a further window, on which the divergence is measured. */
const measuredTokens = 128
const measuredProbes = 1
/** Likely words of the vocabulary, between which the divergence is measured. */
const measuredWords = 4096
/** Windows on which a mixture and one format are compared as whole models. */
const measuredJointly = 8
/**
 * A mixture is taken without that comparison if its predicted loss is below this share of the other's. Predictions were
 * right to a quarter; not so with corrected targets, where later layers compensate errors that a single rounding
 * counts: predicted shares of .70 and .80 came out as 1.01 and 1.11.
 */
const certainShares = { plain: 0.75, corrected: 0.5 } as const

/** Whether `allocateBudget` must choose formats before the recipe can be applied. */
export function hasBudget({ steps }: Recipe): boolean {
  return steps.some(({ kind }) => kind === 'budget')
}

/**
 * Chooses the formats that a recipe's `budget` step leaves open:
 *
 * 1. `measureLosses` rounds each weight alone, by the method that will round it, measures the divergence of the model,
 *    and predicts from it what each format would cost.
 * 2. `chooseFormats` finds the choice of least summed cost within the bytes, or one format for all weights where the
 *    gain of a mixture is within the noise.
 * 3. `jointLosses` compares the two as whole models where the predicted gain leaves a doubt.
 *
 * The same model, recipe and text give the same choice on one build and device class.
 *
 * @throws TesseraError `invalid-option` for a recipe without a budget or that does not fit the model, `invalid-value`
 *   for a size that cannot be reached, with the smallest that can, and for a text that is too short; `aborted`
 */
export async function allocateBudget(
  original: Subject,
  recipe: Recipe,
  options: AllocateOptions,
): Promise<BudgetAllocation> {
  const {
    device,
    calibration,
    file,
    store = memoryStore(),
    solver = { multiply: createPlainMultiply() },
    signal,
  } = options
  const { step, at, text } = checked(recipe, file, calibration)
  const subject = transformSubject(original, recipe, solver.multiply)
  if (subject.kind === 'encoder')
    throw new TesseraError(
      'unsupported',
      'budget: losses are measured on the logits of a language model, and this is a sentence encoder; name its formats in quantize steps',
    )
  const budget = parseByteSize(step.size)
  const open = openWeights(original, subject, recipe, step, at, file)
  const isTied = subject.kind === 'decoder' && subject.config.tiedHead
  const smallest = open.map(({ options: each }) =>
    each.reduce((least, option) => (option.bytes < least.bytes ? option : least)),
  )
  const withChoice = (choices: readonly FormatChoice[]): Recipe => ({
    ...recipe,
    ...(file.layout === undefined ? {} : { layout: file.layout }),
    steps: recipe.steps.toSpliced(at, 1, ...stepsOf(choices, step, isTied)),
  })
  const bytesOf = (choices: readonly FormatChoice[]): number => {
    const chosen = withChoice(choices)
    return file.fileBytes({ subject, assignments: assignSteps(subject.weights, chosen) }, chosen)
  }
  const least = bytesOf(smallest)
  if (least > budget)
    throw new TesseraError('invalid-value', tooSmall(step, budget, least, open), { details: { least, budget } })
  const fixed = least - smallest.reduce((sum, { bytes }) => sum + bytes, 0)

  const { method = 'gptq' } = step
  const sizes = calibrationSizes(subject, recipe.calibration)
  const all = calibrationWindows(text, sizes, subject.config.contextLength)
  const known = Math.max(1, Math.min(Math.floor(knownTokens / sizes.window), all.length - measuredProbes))
  const probes = all.slice(Math.min(known, all.length - 1)).slice(0, measuredProbes)
  const parameters = open.reduce((sum, { weight }) => sum + sizeOf(weight.shape), 0)
  const bits = Math.min(4, Math.max(2, Math.floor((8 * (budget - fixed)) / parameters))) as 2 | 3 | 4
  const formats = new Map(
    open.map(({ weight, options: each }) => [weight.name, each.flatMap(({ format }) => format ?? [])]),
  )
  await store.claim(
    JSON.stringify([
      'budget',
      6,
      { ...recipe, steps: recipe.steps.toSpliced(at, 1) },
      [...formats],
      bits,
      method,
      known,
      options.identity ?? '',
    ]),
  )
  const kept = await store.get('losses')
  const losses = kept
    ? (JSON.parse(new TextDecoder().decode(kept)) as readonly WeightLosses[])
    : await measureLosses(subject, {
        device,
        windows: all.slice(0, known),
        probes: probes.map((window) => window.slice(0, measuredTokens)),
        words: measuredWords,
        bits,
        formats,
        method,
        tokens: sizes.windows * sizes.window,
        solver,
        signal,
        onProgress: (done, total) => options.onProgress?.(done, total, 'weights'),
      })
  if (!kept) await store.put('losses', new TextEncoder().encode(JSON.stringify(losses)))

  const { uniform, ...mixed } = chooseFormats(open, losses, { budget, bytesOf })
  const tested = Math.min(all.length - known, measuredJointly)
  let chosen: Omit<ChosenFormats, 'uniform'> = mixed
  const share = certainShares[step.correct ? 'corrected' : 'plain']
  if (uniform && tested > 0 && mixed.loss > share * uniform.loss) {
    const [lost, uniformLost] = await keptJointLosses(
      [mixed, uniform].map(({ choices: each }) => withChoice(each)),
      store,
      {
        device,
        signal,
        original,
        calibration: text,
        solver,
        sizes: { windows: known, window: sizes.window },
        probes: all.slice(known, known + tested).map((window) => window.slice(0, measuredTokens)),
        onProgress: (done, total) => options.onProgress?.(done, total, 'models'),
      },
    )
    if ((lost as number) >= (uniformLost as number)) chosen = uniform
  }
  const { choices, bytes, loss, lowerBound } = chosen
  const weights = choices.map(({ name, format, bytes, loss }) => ({ name, format, bytes, loss }))
  return { recipe: withChoice(choices), budget, bytes, loss, lowerBound, weights }
}

/** The budget step, its place among the steps, and the text. Refuses what no budget can be met with. */
function checked(
  { steps, layout }: Recipe,
  file: FileSize,
  text: CalibrationText | undefined,
): { readonly step: BudgetStep; readonly at: number; readonly text: CalibrationText } {
  const at = steps.findIndex(({ kind }) => kind === 'budget')
  const step = steps[at] as BudgetStep | undefined
  if (!step)
    throw new TesseraError(
      'invalid-option',
      'budget: the recipe has no budget step; add { "kind": "budget", "size": "60MB" }',
    )
  if (file.layout !== undefined && layout !== undefined && layout !== file.layout)
    throw new TesseraError(
      'invalid-option',
      `budget: the ${layout} layout has one format for all weights; leave the layout out, or ask for ${file.layout}`,
    )
  const scales = steps.find(({ kind }) => kind === 'awq' || kind === 'smooth')
  if (scales && file.layout !== undefined)
    throw new TesseraError(
      'unsupported',
      `budget: ${scales.kind} changes the bytes of norms in a folder in a way that is not known before; leave it out, or let OUT end in .gguf`,
    )
  if (!text)
    throw new TesseraError(
      'invalid-option',
      'budget: what each weight is worth is measured on a text; give a calibration text (CLI: --calibrate FILE)',
    )
  return { step, at, text }
}

interface JointLosses {
  /** The recipes as JSON. */
  readonly identity: string
  readonly losses: readonly number[]
}

/** `jointLosses`, stored like the losses of single weights. */
async function keptJointLosses(
  recipes: readonly Recipe[],
  store: WorkStore,
  { original, ...options }: JointLossOptions & { readonly original: Subject },
): Promise<readonly number[]> {
  const identity = JSON.stringify(recipes)
  const bytes = await store.get('joint')
  const kept = bytes && (JSON.parse(new TextDecoder().decode(bytes)) as JointLosses)
  if (kept?.identity === identity) return kept.losses
  const losses = await jointLosses(original, recipes, options)
  await store.put('joint', new TextEncoder().encode(JSON.stringify({ identity, losses } satisfies JointLosses)))
  return losses
}

/**
 * One step for each format. The embedding has steps of its own: a tied one is weighted by the inputs of the head, an
 * untied one has no statistics, because it is only looked up.
 */
function stepsOf(
  choices: readonly FormatChoice[],
  { method = 'gptq', correct }: BudgetStep,
  isTied: boolean,
): readonly RecipeStep[] {
  const steps = new Map<string, QuantizeStep & { targets: string[] }>()
  for (const { name, format } of choices) {
    if (format === undefined) continue
    const isLookedUp = name === 'embedding'
    const key = `${formatLabel(format)}${isLookedUp ? ' looked up' : ''}`
    const found = steps.get(key)
    if (found) found.targets.push(name)
    else if (isLookedUp)
      steps.set(key, {
        kind: 'quantize',
        targets: [name],
        method: 'rtn',
        format,
        ...(isTied ? { importance: true } : {}),
      })
    else
      steps.set(key, {
        kind: 'quantize',
        targets: [name],
        method,
        format,
        ...(method === 'rtn' ? { importance: true } : correct === undefined ? {} : { correct }),
      })
  }
  return [...steps.values()]
}
