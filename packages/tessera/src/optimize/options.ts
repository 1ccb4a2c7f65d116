import type { BudgetAllocation, Recipe, RecipePlan } from '@tessera-llm/optimize'
import type { Device } from '@tessera-llm/tensor'
import { createDefaultDevice, type DefaultDeviceOptions, type DeviceChoice } from '../device/create-default-device.ts'
import type { Listeners } from './listeners.ts'

export interface OptimizeModelOptions extends Listeners, Pick<DefaultDeviceOptions, 'threads' | 'gpu'> {
  /** A GGUF file, a folder with `config.json` and safetensors, or `hf:owner/repository/file.gguf`. */
  readonly input: string
  /** What to write: a file that ends in `.gguf`, or a new folder. A file that is there is replaced. */
  readonly output: string
  /** A recipe as data, or the name of one that ships (`namedRecipes`). */
  readonly recipe: Recipe | string
  /** The path of a text that methods look at activations of. */
  readonly calibration?: string | undefined
  /** A text to measure on what was lost and gained. Without it the receipt says neither. */
  readonly evaluation?: EvaluationText | undefined
  /** One of your own stays yours to dispose of. Default `auto`. */
  readonly device?: DeviceChoice | Device | undefined
  /** Called when it is known what every tensor becomes, before that is computed. */
  readonly onPlan?: ((plan: ModelPlan) => void) | undefined
}

export interface EvaluationText {
  /** The path of the text. */
  readonly text: string
  /** Tokens of a window. Default 512. */
  readonly window?: number | undefined
  /** How many of the text's windows. Default: all. */
  readonly windows?: number | undefined
  /** Of an encoder: how many sentences of the text, spread evenly over it. Default 500. */
  readonly sentences?: number | undefined
}

/** What will become of a model. */
export interface ModelPlan {
  readonly plan: RecipePlan
  /** What to know of it, as sentences. */
  readonly notes: readonly string[]
  /** The recipe; one with a budget with the formats that were chosen. */
  readonly recipe: Recipe
  /** Where the recipe has a budget. */
  readonly allocation?: BudgetAllocation | undefined
}

/** Makes the device that was asked for, and disposes of it after `use`. */
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
