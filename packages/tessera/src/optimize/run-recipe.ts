import { rm, stat } from 'node:fs/promises'
import {
  allocateBudget,
  type Applied,
  applyRecipe,
  type BudgetAllocation,
  type CalibrationText,
  plannedLayout,
  planRecipe,
  type Recipe,
  type Subject,
} from '@tessera-llm/optimize'
import { folderStore, hashFile, readText, refuseUnlessFree } from '@tessera-llm/optimize/node'
import { createSolver } from '@tessera-llm/optimize/wasm'
import type { Tokenizer } from '@tessera-llm/runtime'
import type { Device } from '@tessera-llm/tensor'
import { type ModelFiles, textOf } from '../model-files/index.ts'
import type { Listeners } from './listeners.ts'
import { receiptPath } from './receipt-path.ts'
import type { Target } from './target.ts'

export interface RunRecipeOptions extends Listeners {
  readonly recipe: Recipe
  readonly device: Device
  /** Undefined for all cores. */
  readonly threads?: number | undefined
  readonly output: string
  /** SHA-256 of the model. */
  readonly inputHash: string
  /** Path of the calibration text. */
  readonly calibration?: string | undefined
}

/**
 * Chooses the formats of a recipe with a budget; the measurements are stored beside the output, so that an interrupted
 * run resumes.
 */
export async function allocateRecipe(
  files: ModelFiles,
  target: Target,
  { recipe, device, threads, output, inputHash, calibration, signal, onProgress }: RunRecipeOptions,
): Promise<BudgetAllocation> {
  const { subject } = target
  const solver = await createSolver({ threads })
  try {
    return await allocateBudget(subject, recipe, {
      device,
      signal,
      calibration: await calibrationOf(files, subject, calibration),
      file: target.fileSize,
      store: folderStore(budgetPath(output)),
      identity: await identityOf(inputHash, target, calibration),
      solver,
      onProgress: (done, total) => onProgress?.({ phase: 'measuring what each weight is worth', done, total }),
    })
  } finally {
    await solver.dispose()
  }
}

/**
 * Operations that take as long as writing one byte, in the unit of a recipe's progress; measured on two cores: 700 to
 * 790 by format.
 */
const writingOperations = 750

/**
 * Applies a recipe and writes the model. Finished weights are stored beside the output until the receipt is written, so
 * that an interrupted run resumes.
 */
export async function runRecipe(
  files: ModelFiles,
  target: Target,
  { recipe, device, threads, output, inputHash, calibration, signal, onProgress, onNote }: RunRecipeOptions,
): Promise<Applied> {
  const work = workPath(output)
  const { subject } = target
  plannedLayout(subject, recipe)
  // Only a folder that Tessera made is replaced.
  const replace = target.kind === 'folder' && ((await exists(receiptPath(output))) || (await exists(work)))
  if (target.kind === 'folder' && !replace) await refuseUnlessFree(output)
  const writing = writingOperations * planRecipe(subject, recipe).bytesAfter
  let applying = 0
  const report = (done: number): void => onProgress?.({ phase: 'optimizing', done, total: applying + writing })
  const solver = await createSolver({ threads })
  try {
    const applied = await applyRecipe(subject, recipe, {
      device,
      signal,
      calibration: await calibrationOf(files, subject, calibration),
      store: folderStore(work),
      identity: await identityOf(inputHash, target, calibration),
      solver,
      onProgress({ done, total }) {
        applying = total
        report(done)
      },
    })
    if (applied.resumed > 0)
      onNote?.(`went on from ${work}: ${applied.resumed} of ${applied.assignments.size} weights were done`)
    // With several files, each reports its own bytes.
    let written = 0
    let before = 0
    await target.write(applied, output, {
      ...(signal && { signal }),
      recipe,
      replace,
      onProgress(doneBytes) {
        written += doneBytes - (doneBytes < before ? 0 : before)
        before = doneBytes
        report(applying + Math.min(writing, writingOperations * written))
      },
    })
    return applied
  } finally {
    await solver.dispose()
  }
}

async function calibrationOf(
  files: ModelFiles,
  subject: Subject,
  path: string | undefined,
): Promise<CalibrationText | undefined> {
  if (path === undefined) return undefined
  const { tokenizer } = textOf(files)
  return {
    ids: tokenizer.encode(await readText('calibration', path), { addSpecial: false }),
    ...frameOf(subject, tokenizer),
  }
}

/** First and last token of a calibration window, as in the model's own inputs. */
function frameOf({ kind }: Subject, tokenizer: Tokenizer): Pick<CalibrationText, 'bosId' | 'endId'> {
  if (kind === 'decoder') return { bosId: tokenizer.addBos ? tokenizer.bosId : undefined }
  const frame = tokenizer.encode('')
  return frame.length === 2 ? { bosId: frame[0], endId: frame[1] } : {}
}

/** Deletes the stored work of `runRecipe` and `allocateRecipe`. */
export async function deleteWork(path: string): Promise<void> {
  for (const kept of [workPath(path), budgetPath(path)]) await rm(kept, { recursive: true, force: true })
}

function workPath(path: string): string {
  return `${path.replace(/[/\\]+$/, '')}.work`
}

function budgetPath(path: string): string {
  return `${workPath(path)}.budget`
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** Key of stored work. Includes the kind of file, because each orders the rows of queries and keys differently. */
async function identityOf(inputHash: string, { kind }: Target, calibration: string | undefined): Promise<string> {
  return [kind, inputHash, ...(calibration === undefined ? [] : [(await hashFile(calibration)).sha256])].join()
}
