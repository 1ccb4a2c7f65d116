import { cutWindows } from '@tessera-llm/evaluation'
import {
  calibrateHeads,
  calibrationSizes,
  type HeadCalibration,
  needsHeadCalibration,
  type Recipe,
} from '@tessera-llm/optimize'
import type { Device } from '@tessera-llm/tensor'
import { TesseraError } from '@tessera-llm/tensor'
import { loadFiles, type ModelFiles, textOf } from '../model-files/index.ts'
import { calibrationIds } from './calibration-ids.ts'
import type { Listeners } from './listeners.ts'
import { subjectOfFiles } from './target.ts'

export interface HeadCalibrationOptions extends Listeners {
  readonly recipe: Recipe
  readonly device: Device
  /** Path of the calibration text. */
  readonly calibration?: string | undefined
}

/** Statistics of the model's heads on the calibration text, if the recipe merges heads by them. */
export async function headCalibrationOf(
  files: ModelFiles,
  { recipe, device, calibration, signal, onProgress }: HeadCalibrationOptions,
): Promise<HeadCalibration | undefined> {
  const [step] = recipe.steps
  if (step?.kind !== 'convert-heads' || !needsHeadCalibration(step)) return undefined
  if (calibration === undefined)
    throw new TesseraError(
      'invalid-option',
      `optimize: convert-heads by ${step.method} looks at activations and needs a calibration text; give one (CLI: --calibrate FILE), or use the method mean`,
    )
  const { kind, config } = subjectOfFiles(files)
  if (kind === 'encoder')
    throw new TesseraError(
      'unsupported',
      `optimize: this version merges the heads of encoders by mean and first in recipes; tessera convert-heads --method ${step.method} does the rest`,
    )
  const text = textOf(files)
  const { tokenizer } = text
  const { windows, window } = calibrationSizes({ kind, config }, recipe.calibration)
  const contextLength = Math.min(window, config.contextLength)
  const cuts = cutWindows(await calibrationIds(text, calibration), {
    window: contextLength,
    windows,
    bosId: tokenizer.addBos ? tokenizer.bosId : undefined,
  })
  const model = await loadFiles(files, { device, signal, activations: 'f32', contextLength })
  try {
    return await calibrateHeads(model.language, cuts, {
      signal,
      onProgress: (done, total) => onProgress?.({ phase: 'calibrating heads', done, total }),
    })
  } finally {
    await model.dispose()
  }
}
