import { TesseraError } from '@tessera-llm/tensor'
import type { RecipeCalibration } from '../recipe/index.ts'
import type { Subject } from '../subject/index.ts'

/** A calibration text as token ids. */
export interface CalibrationText {
  readonly ids: readonly number[]
  /** Replaces the first token of each window, for models that were trained with a BOS. */
  readonly bosId?: number | undefined
  /** Replaces the last token of each window, for encoders, whose sequences end in a token such as [SEP]. */
  readonly endId?: number | undefined
}

/** Number and length of calibration windows. */
export interface CalibrationSizes {
  readonly windows: number
  /** Tokens in a window. */
  readonly window: number
}

/**
 * Number and length of windows. The defaults go by the kind of model, because encoders are used on short texts, and by
 * its context, which a default never exceeds.
 */
export function calibrationSizes(
  { kind, config }: { readonly kind: Subject['kind']; readonly config: { readonly contextLength: number } },
  { windows, window }: RecipeCalibration = {},
): CalibrationSizes {
  const usual = kind === 'encoder' ? { windows: 128, window: 128 } : { windows: 32, window: 512 }
  return { windows: windows ?? usual.windows, window: window ?? Math.min(usual.window, config.contextLength) }
}

/**
 * The first windows of a text, without overlap.
 *
 * @throws TesseraError `invalid-value` for a text that is too short, `invalid-option` for windows beyond the model's
 *   context
 */
export function calibrationWindows(
  { ids, bosId, endId }: CalibrationText,
  { windows, window }: CalibrationSizes,
  contextLength: number,
): readonly (readonly number[])[] {
  if (window > contextLength)
    throw new TesseraError(
      'invalid-option',
      `calibrate: a window of ${window} tokens exceeds the context of the model, ${contextLength}; set calibration.window to at most that (CLI: --calibrate-window)`,
    )
  if (ids.length < windows * window) {
    const enough = Math.floor(ids.length / window)
    const remedy =
      enough > 0
        ? `set calibration.windows to at most ${enough} (CLI: --calibrate-windows)`
        : 'fewer and shorter windows, calibration.windows and calibration.window (CLI: --calibrate-windows and --calibrate-window)'
    throw new TesseraError(
      'invalid-value',
      `calibrate: ${windows} windows of ${window} tokens need ${windows * window} tokens, but the text has ${ids.length}; give a longer text, or ${remedy}`,
    )
  }
  return Array.from({ length: windows }, (_, index) => {
    const cut = ids.slice(index * window, (index + 1) * window)
    if (bosId !== undefined) cut[0] = bosId
    if (endId !== undefined) cut[window - 1] = endId
    return cut
  })
}
