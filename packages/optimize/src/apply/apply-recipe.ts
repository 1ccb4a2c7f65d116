import {
  type BlockMatrix,
  createPlainMultiply,
  type LinearStatistics,
  type WeightMatrix,
} from '@tessera-llm/quantization'
import { type Device, TesseraError } from '@tessera-llm/tensor'
import { type Calibration, type CalibrationText, calibrationSizes, calibrationWindows } from '../calibration/index.ts'
import { recordModel } from '../program/index.ts'
import { mixNotes } from '../mix/index.ts'
import {
  decodeWeight,
  needsStatistics,
  quantizeBlocks,
  type QuantizedWeight,
  quantizeWeight,
  roundsBlocks,
  type Solver,
} from '../quantize/index.ts'
import type { QuantizeStep, Recipe } from '../recipe/index.ts'
import { memoryStore, type WorkStore } from '../store/index.ts'
import type { Subject } from '../subject/index.ts'
import { transformNotes, transformSubject } from '../transform/index.ts'
import { blocksReader, type ModelWeight } from '../weights/index.ts'
import { type Assignments, assignSteps } from './assignments.ts'
import { createCompensatedBiases } from './compensated-biases.ts'
import { compressInOrder } from './compress-in-order.ts'
import { createEstimate } from './estimate.ts'
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
  /** The blocks of a weight that is rounded from them; else its values. */
  const storedOf = async (name: string): Promise<WeightMatrix | BlockMatrix> => {
    const weight = subject.weights.get(name) as ModelWeight
    const read = blocksReader(weight)
    if (!read || calibrated.has(name) || !roundsBlocks(assignments.get(name) as QuantizeStep, solver))
      return matrixOf(name)
    signal?.throwIfAborted()
    return { ...(await read(signal)), shape: weight.shape as readonly [number, number] }
  }
  const written =
    (name: string, result: QuantizedWeight): (() => Promise<void>) =>
    async () => {
      await store.put(name, await serializeWeight(result))
      kept.set(name, result.notes)
      estimate.quantized(name)
    }
  const round = async (
    name: string,
    stored: WeightMatrix | BlockMatrix,
    inputs: LinearStatistics | undefined,
  ): Promise<() => Promise<void>> => {
    const step = assignments.get(name) as QuantizeStep
    if ('bytes' in stored) {
      const rounded = await quantizeBlocks(stored, step, solver)
      if (rounded) return written(name, rounded)
    }
    const matrix = 'bytes' in stored ? await matrixOf(name) : stored
    const result = await quantizeWeight(matrix, step, inputs, solver)
    await biases.compensate(subject, name, matrix, result.weight, inputs)
    if (inputs && inputScales.names.has(name)) await inputScales.find(name, inputs)
    return written(name, result)
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
    await inPipeline(independent, storedOf, async (name, stored) =>
      round(name, stored, calibrated.has(name) ? await statistics?.statisticsOf(name) : undefined),
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

function needed(calibration: CalibrationText | undefined): CalibrationText {
  if (calibration) return calibration
  throw new TesseraError(
    'invalid-option',
    'optimize: this recipe looks at activations and needs a calibration text; give one (CLI: --calibrate FILE), or use method rtn without importance, and no static activations',
  )
}
