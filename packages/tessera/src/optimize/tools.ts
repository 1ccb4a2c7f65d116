import type { CalibrationText, Subject } from '@tessera-llm/optimize'
import { readText } from '@tessera-llm/optimize/node'
import { createSolver, type WasmSolver } from '@tessera-llm/optimize/wasm'
import type { Tokenizer } from '@tessera-llm/runtime'
import { type ModelFiles, textOf } from '../model-files/index.ts'

/** What the choice of formats and the recipe that comes of it both need. */
export interface Tools {
  readonly solver: WasmSolver
  /** The calibration text's tokens. */
  readonly calibration: CalibrationText | undefined
}

export interface ToolsOptions {
  /** Of the solver. All cores when undefined. */
  readonly threads?: number | undefined
  /** The calibration text's path. */
  readonly calibration?: string | undefined
}

/** Reads the calibration text and starts a solver, which ends after `use`. */
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
  const { tokenizer } = textOf(files)
  return {
    ids: tokenizer.encode(await readText('calibration', path), { addSpecial: false }),
    ...frameOf(kind, tokenizer),
  }
}

/** The tokens that a window of the calibration text begins and ends with, as the model's own inputs do. */
function frameOf(kind: Subject['kind'], tokenizer: Tokenizer): Pick<CalibrationText, 'bosId' | 'endId'> {
  if (kind === 'decoder') return { bosId: tokenizer.addBos ? tokenizer.bosId : undefined }
  const frame = tokenizer.encode('')
  return frame.length === 2 ? { bosId: frame[0], endId: frame[1] } : {}
}
