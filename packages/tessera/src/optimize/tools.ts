import type { CalibrationText, Subject } from '@tessera-llm/optimize'
import { createSolver, type WasmSolver } from '@tessera-llm/optimize/wasm'
import type { Tokenizer } from '@tessera-llm/runtime'
import { type ModelFiles, textOf } from '../model-files/index.ts'
import { calibrationIds } from './calibration-ids.ts'

/** Shared by the choice of formats and the recipe that results from it. */
export interface Tools {
  readonly solver: WasmSolver
  /** Token ids of the calibration text. */
  readonly calibration: CalibrationText | undefined
}

export interface ToolsOptions {
  /** Threads of the solver; undefined for all cores. */
  readonly threads?: number | undefined
  /** Path of the calibration text. */
  readonly calibration?: string | undefined
}

/** Reads the calibration text and creates a solver, which is disposed of after `use`. */
export async function withTools<T>(
  files: ModelFiles,
  kind: Subject['kind'],
  { threads, calibration }: ToolsOptions,
  use: (tools: Tools) => Promise<T>,
): Promise<T> {
  const text = await calibrationOf(files, kind, calibration)
  const solver = await createSolver({ threads })
  try {
    return await use({ solver, calibration: text })
  } finally {
    await solver.dispose()
  }
}

async function calibrationOf(
  files: ModelFiles,
  kind: Subject['kind'],
  path: string | undefined,
): Promise<CalibrationText | undefined> {
  if (path === undefined) return undefined
  const text = textOf(files)
  return {
    ids: await calibrationIds(text, path, { separate: kind === 'decoder' }),
    ...frameOf(kind, text.tokenizer),
  }
}

/** First and last token of a calibration window, as in the model's own inputs. */
function frameOf(kind: Subject['kind'], tokenizer: Tokenizer): Pick<CalibrationText, 'bosId' | 'endId'> {
  if (kind === 'decoder') return { bosId: tokenizer.addBos ? tokenizer.bosId : undefined }
  const frame = tokenizer.encode('')
  return frame.length === 2 ? { bosId: frame[0], endId: frame[1] } : {}
}
