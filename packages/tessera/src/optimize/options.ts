import type { BudgetAllocation, Recipe, RecipePlan } from '@tessera-llm/optimize'
import type { Device } from '@tessera-llm/tensor'
import { createDefaultDevice, type DefaultDeviceOptions, type DeviceChoice } from '../device/create-default-device.ts'
import type { Listeners } from './listeners.ts'

/** Options of `optimizeModel`. */
export interface OptimizeModelOptions extends Listeners, Pick<DefaultDeviceOptions, 'threads' | 'gpu'> {
  /** A GGUF file, a folder with `config.json` and safetensors, or `hf:owner/repository/file.gguf`. */
  readonly input: string
  /** Path of the result: a file that ends in `.gguf`, or a new folder. An existing file is replaced. */
  readonly output: string
  /** A recipe as data, or the name of a shipped one (`namedRecipes`). */
  readonly recipe: Recipe | string
  /**
   * Path of the calibration text, on which methods observe activations, or of a `.jsonl` file of samples, as
   * `calibrationIds` reads them.
   */
  readonly calibration?: string | undefined
  /** Text to measure quality and speed on. Without it the receipt has neither. */
  readonly evaluation?: EvaluationText | undefined
  /** A device that is passed in is not disposed of. Default `auto`. */
  readonly device?: DeviceChoice | Device | undefined
  /** Called with the plan of every tensor before anything is computed. */
  readonly onPlan?: ((plan: ModelPlan) => void) | undefined
}

/** A text to evaluate a model on, and the part of it that is used. */
export interface EvaluationText {
  /** Path of the text. */
  readonly text: string
  /** Tokens in a window. Default 512, or the context of the model where that is less. */
  readonly window?: number | undefined
  /** Number of windows of the text. Default: all. */
  readonly windows?: number | undefined
  /** Encoders only: number of sentences, spread evenly over the text. Default 500. */
  readonly sentences?: number | undefined
}

/** The plan for a model. */
export interface ModelPlan {
  readonly plan: RecipePlan
  /** Remarks, as sentences. */
  readonly notes: readonly string[]
  /** The recipe; for one with a budget, with the chosen formats. */
  readonly recipe: Recipe
  /** Set if the recipe has a budget. */
  readonly allocation?: BudgetAllocation | undefined
}

/** Creates the requested device, and disposes of it after `use`. */
export async function withDeviceOf<T>(
  { device, gpu, threads }: Pick<OptimizeModelOptions, 'device' | 'gpu' | 'threads'>,
  use: (device: Device) => Promise<T>,
): Promise<T> {
  if (typeof device === 'object') return use(device)
  const made = await createDefaultDevice({ device, gpu, threads })
  try {
    return await use(made)
  } finally {
    await made.dispose()
  }
}
