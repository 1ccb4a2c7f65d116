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
  /** All cores when undefined. */
  readonly threads?: number | undefined
  readonly output: string
  /** SHA-256 of the model. */
  readonly inputHash: string
  /** The calibration text's path. */
  readonly calibration?: string | undefined
}

/** Chooses the formats of a recipe with a budget; what is measured for that is kept beside the output as well. */
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

/** Writing a byte takes as long as so many of the operations that a recipe's progress counts; measured on two cores, 700 to 790 by format. */
const writingOperations = 750

/** Applies a recipe and writes the model. What is done is kept beside the output until it is whole, so that an interrupted run goes on. */
export async function runRecipe(
  files: ModelFiles,
  target: Target,
  { recipe, device, threads, output, inputHash, calibration, signal, onProgress, onNote }: RunRecipeOptions,
): Promise<Applied> {
  const work = workPath(output)
  const { subject } = target
  plannedLayout(subject, recipe)
  // A folder is replaced only where it was made here.
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
    // Of several files, each counts its own bytes.
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

/** The tokens that a window of the calibration text begins and ends with, as the model's own inputs do. */
function frameOf({ kind }: Subject, tokenizer: Tokenizer): Pick<CalibrationText, 'bosId' | 'endId'> {
  if (kind === 'decoder') return { bosId: tokenizer.addBos ? tokenizer.bosId : undefined }
  const frame = tokenizer.encode('')
  return frame.length === 2 ? { bosId: frame[0], endId: frame[1] } : {}
}

/** Removes what `runRecipe` and `allocateRecipe` kept. */
export async function forgetWork(path: string): Promise<void> {
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

/** Rows of queries and keys stand in another order in each kind of file. */
async function identityOf(inputHash: string, { kind }: Target, calibration: string | undefined): Promise<string> {
  return [kind, inputHash, ...(calibration === undefined ? [] : [(await hashFile(calibration)).sha256])].join()
}
