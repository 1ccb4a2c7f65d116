import { createPlainMultiply, type LinearStatistics, type WeightMatrix } from '@tessera-llm/quantization'
import { type Device, TesseraError } from '@tessera-llm/tensor'
import {
  type Calibration,
  type CalibrationText,
  calibrationSizes,
  calibrationWindows,
  gatherSite,
} from '../calibration/index.ts'
import { createStream, type Program, recordModel, type Stream } from '../program/index.ts'
import { mixNotes } from '../mix/index.ts'
import {
  decodeWeight,
  needsSecondMoment,
  needsStatistics,
  type QuantizedWeight,
  quantizeWeight,
  type Solver,
} from '../quantize/index.ts'
import type { QuantizeStep, Recipe } from '../recipe/index.ts'
import { memoryStore, type WorkStore } from '../store/index.ts'
import type { Subject } from '../subject/index.ts'
import { transformNotes, transformSubject } from '../transform/index.ts'
import type { ModelWeight } from '../weights/index.ts'
import { type Assignments, assignSteps } from './assignments.ts'
import { type CompensatedBiases, createCompensatedBiases } from './compensated-biases.ts'
import { createEstimate, type Estimate } from './estimate.ts'
import { createInputScales } from './input-scales.ts'
import { inPipeline } from './in-pipeline.ts'
import { pendingSites, planScalings, scaleInputs } from './scale-inputs.ts'
import { deserializeWeight, serializeWeight } from './stored-weight.ts'

/** Progress of `applyRecipe`. */
export interface ApplyProgress {
  /** The weight or layer in progress: `layers.3.mlp.down`. */
  readonly what: string
  /** In the unit of `total`; proportional to time. */
  readonly done: number
  readonly total: number
}

/** Options of `applyRecipe`. */
export interface ApplyOptions {
  readonly device: Device
  /** Required by methods that use statistics of activations, unless `statistics` are given. */
  readonly calibration?: CalibrationText | undefined
  /**
   * Statistics of the uncompressed model from `calibrate`, used instead of a pass over the text. Faster for comparing
   * settings, and slightly worse than layer by layer, because they do not include the errors of the layers before.
   */
  readonly statistics?: Calibration | undefined
  /** Stores results by name; a later run with the same recipe, model and text resumes from them. Default: memory. */
  readonly store?: WorkStore | undefined
  /** Key of the results in `store`, such as a hash of model and text; results with another key are deleted. */
  readonly identity?: string | undefined
  /**
   * Numerical routines of methods: `createWasmMultiply` of `@tessera-llm/quantization/wasm` and `createDeviceGptq` are
   * many times as fast as the default plain product. Different ones may give different bytes, except `encode`.
   */
  readonly solver?: Solver | undefined
  readonly onProgress?: ((progress: ApplyProgress) => void) | undefined
  readonly signal?: AbortSignal | undefined
}

/** Result of a recipe. */
export interface Applied {
  /** The model whose weights were compressed, after rotations and scales. */
  readonly subject: Subject
  readonly assignments: Assignments
  /** Reads the result for an assigned weight. */
  weight(name: string): Promise<QuantizedWeight>
  /** Scales of inputs by the name of the weight, if the recipe's activations are `int8-static`; else empty. */
  readonly inputScales: ReadonlyMap<string, number>
  /** Deviations from the request, with the name of the weight. */
  readonly notes: readonly string[]
  /** Number of results from an earlier run. */
  readonly resumed: number
}

/**
 * Applies a recipe layer by layer: each weight is calibrated on the outputs of the compressed layers before it. Apart
 * from the time of each step, recipe, model, text and device class determine the result, so a resumed run gives the
 * same bytes as an uninterrupted one.
 *
 * @throws TesseraError `invalid-option` for a recipe that does not fit the model, `invalid-value` for weights or
 *   activations that are not finite and for a text that is too short, `aborted`
 */
export async function applyRecipe(original: Subject, recipe: Recipe, options: ApplyOptions): Promise<Applied> {
  const {
    device,
    calibration,
    statistics,
    store = memoryStore(),
    solver = { multiply: createPlainMultiply() },
    signal,
    onProgress,
  } = options
  await store.claim(JSON.stringify(['apply', 1, recipe, options.identity ?? '']))
  const rotated = transformSubject(original, recipe, solver.multiply)
  const assignments = assignSteps(rotated.weights, recipe)
  const hasScalings = recipe.steps.some(({ kind }) => kind === 'awq' || kind === 'smooth')
  const names = [...assignments.keys()]
  const inputScales = createInputScales(recipe, assignments, store)
  const calibrated = new Set(
    names.filter((name) => inputScales.names.has(name) || needsStatistics(assignments.get(name) as QuantizeStep)),
  )
  const kept = new Map<string, readonly string[]>()
  for (const name of names) {
    const bytes = await store.get(name)
    if (bytes) kept.set(name, (await deserializeWeight(bytes)).notes)
  }
  const resumed = kept.size
  const isCorrected = [...assignments.values()].some(({ correct }) => correct)
  if (statistics && (rotated !== original || hasScalings || isCorrected)) {
    throw new TesseraError(
      'invalid-option',
      'optimize: statistics of the uncompressed model serve neither recipes that rotate or scale it nor `correct`; give the calibration text instead',
    )
  }
  const sizes = calibrationSizes(rotated, recipe.calibration)
  let program =
    hasScalings || (calibrated.size > 0 && !statistics) ? await recordModel(rotated, sizes.window) : undefined
  const unread =
    program && [...calibrated].find((name) => !program?.sites.some(({ linears }) => linears.includes(name)))
  if (unread !== undefined)
    throw new TesseraError(
      'invalid-option',
      `recipe: no linear layer of this model reads ${unread}, so there are no inputs for ${inputScales.names.has(unread) ? 'int8-static' : assignments.get(unread)?.method} to look at; use rtn or hqq without importance, and other activations`,
    )
  const windows = program ? calibrationWindows(needed(calibration), sizes, rotated.config.contextLength) : []
  const scalings = program ? planScalings(rotated, program, recipe, assignments) : []
  const estimate = createEstimate({
    subject: rotated,
    assignments,
    calibrated,
    program,
    windows: windows.length,
    scalings: await pendingSites(scalings, store),
    isDone: (name) => kept.has(name),
    onProgress,
  })
  let subject = rotated
  const biases = createCompensatedBiases(assignments, store)

  const weightOf = async (name: string): Promise<QuantizedWeight> => {
    const bytes = await store.get(name)
    if (!bytes) throw new TesseraError('invalid-value', `optimize: ${name} was not compressed by this recipe`)
    return deserializeWeight(bytes)
  }
  const matrixOf = async (name: string): Promise<WeightMatrix> => {
    signal?.throwIfAborted()
    const weight = subject.weights.get(name) as ModelWeight
    return { values: await weight.read(signal), shape: weight.shape as readonly [number, number] }
  }
  const round = async (
    name: string,
    matrix: WeightMatrix,
    inputs: LinearStatistics | undefined,
  ): Promise<() => Promise<void>> => {
    const result = await quantizeWeight(matrix, assignments.get(name) as QuantizeStep, inputs, solver)
    await biases.compensate(subject, name, matrix, result.weight, inputs)
    if (inputs && inputScales.names.has(name)) await inputScales.find(name, inputs)
    return async () => {
      await store.put(name, await serializeWeight(result))
      kept.set(name, result.notes)
      estimate.quantized(name)
    }
  }
  const compress = async (name: string, inputs: LinearStatistics | undefined): Promise<void> => {
    if (!kept.has(name)) await (await round(name, await matrixOf(name), inputs))()
  }
  const read = async (name: string, isCompressed: boolean): Promise<Float32Array> =>
    isCompressed && kept.has(name)
      ? decodeWeight((await weightOf(name)).weight)
      : ((await subject.weights.get(name)?.read(signal)) as Float32Array)

  try {
    if (scalings.length > 0) {
      subject = await scaleInputs(rotated, scalings, assignments, { device, windows, store, solver, estimate, signal })
      // Records again, because scaling has changed the values of norms.
      program = calibrated.size > 0 ? await recordModel(subject, sizes.window) : undefined
    }
    const independent = names.filter((name) => !kept.has(name) && (statistics || !calibrated.has(name)))
    await inPipeline(independent, matrixOf, async (name, matrix) =>
      round(name, matrix, calibrated.has(name) ? await statistics?.statisticsOf(name) : undefined),
    )
    if (program)
      await compressInOrder({
        device,
        program,
        windows,
        subject,
        assignments,
        calibrated,
        estimate,
        compress,
        read,
        biases,
        signal,
      })
  } catch (error) {
    if (signal?.aborted)
      throw new TesseraError(
        'aborted',
        `optimize: aborted by the caller after ${kept.size} of ${names.length} weights; run it again to go on`,
        { cause: error },
      )
    throw error
  }
  return {
    subject: biases.applied(subject),
    assignments,
    weight: weightOf,
    inputScales: await inputScales.all(),
    resumed,
    notes: [
      ...transformNotes(original, rotated),
      ...mixNotes(rotated.weights, recipe),
      ...scalings.flatMap(({ notes }) => notes),
      ...names.flatMap((name) => (kept.get(name) ?? []).map((note) => `${name}: ${note}`)),
    ],
  }
}

interface Pass {
  readonly device: Device
  readonly program: Program
  readonly windows: readonly (readonly number[])[]
  readonly subject: Subject
  readonly assignments: Assignments
  readonly calibrated: ReadonlySet<string>
  readonly estimate: Estimate
  compress(name: string, statistics: LinearStatistics): Promise<void>
  read(name: string, isCompressed: boolean): Promise<Float32Array>
  readonly biases: CompensatedBiases
  readonly signal: AbortSignal | undefined
}

/**
 * Advances the windows from site to site: gathers the statistics of a site's input, compresses the layers that read it,
 * and continues through the compressed layers.
 */
async function compressInOrder({
  device,
  program,
  windows,
  subject,
  assignments,
  calibrated,
  estimate,
  compress,
  read,
  biases,
  signal,
}: Pass): Promise<void> {
  const sites = program.sites.filter(({ linears }) =>
    linears.some((name) => calibrated.has(name) && !estimate.isDone(name)),
  )
  const corrects = [...calibrated].some((name) => assignments.get(name)?.correct)
  const streamOf = (isCompressed: boolean): Stream =>
    createStream({
      device,
      program,
      windows,
      signal,
      weight: async (name) => device.tensor(await read(name, isCompressed), subject.weights.get(name)?.shape ?? []),
      vector: isCompressed ? biases.read : undefined,
    })
  const stream = streamOf(true)
  const aim = corrects ? streamOf(false) : undefined
  try {
    for (const site of sites) {
      const pending = site.linears.filter((name) => calibrated.has(name))
      for (const each of aim ? [aim, stream] : [stream]) {
        const from = each.step
        await each.advance(site.step, () => estimate.advanced(site.name, from, site.step))
      }
      const statistics = await gatherSite(device, site, windows.length, stream, {
        aim,
        products: pending.some((name) => needsSecondMoment(assignments.get(name) as QuantizeStep)),
        onWindow: () => estimate.gathered(site),
      })
      for (const name of pending) await compress(name, statistics)
    }
  } finally {
    stream.dispose()
    aim?.dispose()
  }
}

function needed(calibration: CalibrationText | undefined): CalibrationText {
  if (calibration) return calibration
  throw new TesseraError(
    'invalid-option',
    'optimize: this recipe looks at activations and needs a calibration text; give one (CLI: --calibrate FILE), or use method rtn without importance, and no static activations',
  )
}
