import { createPlainMultiply } from '@tessera-llm/quantization'
import { type Device, TesseraError } from '@tessera-llm/tensor'
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
  /** Needed where the recipe has a budget: what the losses are measured on. */
  readonly calibration?: CalibrationText | undefined
  /** The file that the budget is for: `ggufFileSize(subject, checkpoint)`. */
  readonly file: FileSize
  /**
   * Keeps the measured losses, so that a run that was interrupted afterwards does not measure again. Default: memory.
   */
  readonly store?: WorkStore | undefined
  /** Says what the losses in `store` belong to, such as a hash of model and text. */
  readonly identity?: string | undefined
  /** As for `applyRecipe`. */
  readonly solver?: Solver | undefined
  /**
   * `what` is measured: single weights, then whole models where single losses do not decide; each from 0 to its total.
   */
  readonly onProgress?: ((done: number, total: number, what: 'weights' | 'models') => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** What a weight was given. */
export interface AllocatedWeight {
  readonly name: string
  /** Undefined where it stays as it is stored. */
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

/**
 * What losses are measured on: windows of the calibration that tell of the inputs of layers, whole ones, since GPTQ
 * treats what every window begins with by how often that is; the first tokens of others for the divergence; and the
 * likely words of the vocabulary.
 */
const knownTokens = 2048
const measuredTokens = 128
const measuredProbes = 1
const measuredWords = 4096
/**
 * Windows that a mixture and one format are compared on as a whole, unless the mixture is predicted to lose less than a
 * share of the other. What is predicted of mixtures has been right to a quarter, but with corrected targets, where
 * later layers make up for errors that a single rounding counts: .70 and .80 of one format came out as 1.01 and 1.11.
 */
const measuredJointly = 8
const certainShares = { plain: 0.75, corrected: 0.5 } as const

/** True for recipes that `allocateBudget` has to see before they can be applied. */
export function hasBudget({ steps }: Recipe): boolean {
  return steps.some(({ kind }) => kind === 'budget')
}

/**
 * Chooses the formats that a recipe's `budget` step leaves open. Each weight is rounded alone, by the method that will
 * round it, and the divergence of the model measured; from that and from what each format does to the weight's outputs
 * follows what the format would cost, and the choice of least summed cost within the bytes is found by `allocate`. What
 * differs by noise alone counts as the same (`shrinkLosses`), and where what a mixture gains over one format of no more
 * bytes is within the noise, that format is taken. A mixture whose predicted gain is not beyond doubt is compared with
 * it as a whole (`jointLosses`), and the better one is taken. The same model, recipe and text give the same choice on
 * one build and device class.
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
  const at = recipe.steps.findIndex(({ kind }) => kind === 'budget')
  const step = recipe.steps[at] as BudgetStep | undefined
  if (!step)
    throw new TesseraError(
      'invalid-option',
      'budget: the recipe has no budget step; add { "kind": "budget", "size": "60MB" }',
    )
  if (file.layout !== undefined && recipe.layout !== undefined && recipe.layout !== file.layout)
    throw new TesseraError(
      'invalid-option',
      `budget: the ${recipe.layout} layout has one format for all weights; leave the layout out, or ask for ${file.layout}`,
    )
  const scales = recipe.steps.find(({ kind }) => kind === 'awq' || kind === 'smooth')
  if (scales && file.layout !== undefined)
    throw new TesseraError(
      'unsupported',
      `budget: ${scales.kind} changes the bytes of norms in a folder in a way that is not known before; leave it out, or let OUT end in .gguf`,
    )
  if (!calibration)
    throw new TesseraError(
      'invalid-option',
      'budget: what each weight is worth is measured on a text; give a calibration text (CLI: --calibrate FILE)',
    )
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
  const all = calibrationWindows(calibration, sizes, subject.config.contextLength)
  const known = Math.max(1, Math.min(Math.floor(knownTokens / sizes.window), all.length - measuredProbes))
  const probes = all.slice(Math.min(known, all.length - 1)).slice(0, measuredProbes)
  const parameters = open.reduce(
    (
      sum,
      {
        weight: {
          shape: [rows = 0, columns = 0],
        },
      },
    ) => sum + rows * columns,
    0,
  )
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
        calibration,
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

interface JointLosses {
  /** The recipes. */
  readonly identity: string
  readonly losses: readonly number[]
}

/** `jointLosses`, kept like the losses of single weights. */
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
 * One step for each format, for the embedding apart: a tied one is weighed by the inputs of the head, one that is
 * looked up alone has none.
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
