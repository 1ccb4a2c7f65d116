import type { Checkpoint } from '@tessera-llm/formats'
import type { Fields } from '@tessera-llm/runtime'
import { ggufCheckpointOf, safetensorsCheckpointOf } from '../convert/index.ts'
import type { Recipe } from '../recipe/index.ts'
import type { HeadCalibration } from './collect-heads.ts'
import { convertCheckpointHeads } from './convert-checkpoint-heads.ts'

/** Options of `recipeCheckpoint`. */
export interface RecipeCheckpointOptions {
  /** The parsed `config.json` of a safetensors checkpoint. */
  readonly config?: Fields | undefined
  /**
   * Result of `calibrateHeads`. Without it, methods that need it give the right shapes with the values of `mean`, which
   * is enough for a plan.
   */
  readonly calibration?: HeadCalibration | undefined
}

/**
 * The checkpoint that the other steps of a recipe transform: with fewer key-value heads if the first step merges them.
 * Tensors are computed when they are read.
 */
export function recipeCheckpoint(
  checkpoint: Checkpoint,
  { steps: [step] }: Recipe,
  { config, calibration }: RecipeCheckpointOptions = {},
): { readonly checkpoint: Checkpoint; readonly config: Fields | undefined } {
  if (step?.kind !== 'convert-heads') return { checkpoint, config }
  const method = needsHeadCalibration(step) && !calibration ? 'mean' : step.method
  const converted = convertCheckpointHeads(checkpoint, { numKvHeads: step.numKvHeads, method, calibration, config })
  const { metadata, tensors } = converted
  return {
    checkpoint: metadata ? ggufCheckpointOf({ metadata, tensors }) : safetensorsCheckpointOf(tensors),
    config: converted.config,
  }
}

/** Whether a step merges heads by their statistics on a text. */
export function needsHeadCalibration(step: Recipe['steps'][number] | undefined): boolean {
  return step?.kind === 'convert-heads' && (step.method === 'activation' || step.method === 'principal')
}
