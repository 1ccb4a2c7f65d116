import { TesseraError } from '@tessera-llm/tensor'
import type { RecipeCalibration } from '../recipe/index.ts'

/** A calibration text as the model's tokens. */
export interface CalibrationText {
  readonly ids: readonly number[]
  /** Replaces the first token of each window, for models that were trained with a BOS. */
  readonly bosId?: number | undefined
}

/**
 * The first windows of a text, which do not overlap.
 *
 * @throws TesseraError `invalid-value` for a text that is too short, `invalid-option` for windows beyond the model's context
 */
export function calibrationWindows({ ids, bosId }: CalibrationText, { windows = 32, window = 512 }: RecipeCalibration, contextLength: number): readonly (readonly number[])[] {
  if (window > contextLength) throw new TesseraError('invalid-option', `calibrate: a window of ${window} tokens exceeds the context of the model, ${contextLength}; set calibration.window to at most that`)
  if (ids.length < windows * window) {
    throw new TesseraError('invalid-value', `calibrate: ${windows} windows of ${window} tokens need ${windows * window} tokens, but the text has ${ids.length}; give a longer text, or set calibration.windows to at most ${Math.floor(ids.length / window)}`)
  }
  return Array.from({ length: windows }, (_, index) => {
    const cut = ids.slice(index * window, (index + 1) * window)
    if (bosId !== undefined) cut[0] = bosId
    return cut
  })
}
