import { cutWindows } from '@tessera-llm/evaluation'
import { calibrateHeads, type HeadCalibration, needsHeadCalibration, type Recipe } from '@tessera-llm/optimize'
import type { Device } from '@tessera-llm/tensor'
import { TesseraError } from '@tessera-llm/tensor'
import { configOf, type ModelFiles, readTextFile, textOf, loadFiles } from '../open/index.ts'
import type { Output } from '../terminal/index.ts'
import { subjectOfFiles } from './target.ts'

export interface HeadCalibrationOptions {
  readonly recipe: Recipe
  readonly device: Device
  /** The calibration text's path. */
  readonly calibrate: string | undefined
  readonly signal: AbortSignal
}

/** What the model's heads are on the calibration text, where the recipe merges heads by that. */
export async function headCalibrationOf(
  files: ModelFiles,
  { recipe, device, calibrate, signal }: HeadCalibrationOptions,
  output: Output,
): Promise<HeadCalibration | undefined> {
  const [step] = recipe.steps
  if (step?.kind !== 'convert-heads' || !needsHeadCalibration(step)) return undefined
  if (calibrate === undefined)
    throw new TesseraError(
      'invalid-option',
      `optimize: convert-heads by ${step.method} looks at activations and needs a calibration text; give --calibrate FILE, or use the method mean`,
    )
  if (subjectOfFiles(files).kind === 'encoder')
    throw new TesseraError(
      'unsupported',
      `optimize: this version merges the heads of encoders by mean and first in recipes; tessera convert-heads --method ${step.method} does the rest`,
    )
  const { tokenizer } = textOf(files)
  const { windows = 32, window = 512 } = recipe.calibration ?? {}
  const contextLength = Math.min(window, configOf(files).contextLength)
  const cuts = cutWindows(tokenizer.encode(await readTextFile('calibrate', calibrate), { addSpecial: false }), {
    window: contextLength,
    windows,
    bosId: tokenizer.addBos ? tokenizer.bosId : undefined,
  })
  const progress = output.progress('calibrating heads')
  const model = await loadFiles(files, { device, signal, activations: 'f32', contextLength })
  try {
    return await calibrateHeads(model.language, cuts, {
      signal,
      onProgress: (done, total) => progress.report(done, total),
    })
  } finally {
    progress.end()
    await model.dispose()
  }
}
