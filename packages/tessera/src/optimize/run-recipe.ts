import { rm, stat } from 'node:fs/promises'
import {
  allocateBudget,
  type Applied,
  applyRecipe,
  type BudgetAllocation,
  plannedLayout,
  planRecipe,
  type Recipe,
} from '@tessera-llm/optimize'
import { folderStore, hashFile, refuseUnlessFree } from '@tessera-llm/optimize/node'
import type { Device } from '@tessera-llm/tensor'
import type { Listeners } from './listeners.ts'
import { receiptPath } from './receipt-path.ts'
import type { Target } from './target.ts'
import type { Tools } from './tools.ts'

export interface RunRecipeOptions extends Listeners {
  readonly recipe: Recipe
  readonly device: Device
  readonly tools: Tools
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
  target: Target,
  { recipe, device, tools, output, inputHash, calibration, signal, onProgress }: RunRecipeOptions,
): Promise<BudgetAllocation> {
  return allocateBudget(target.subject, recipe, {
    ...tools,
    device,
    signal,
    file: target.fileSize,
    store: folderStore(budgetPath(output)),
    identity: await identityOf(inputHash, target, calibration),
    onProgress: (done, total, what) =>
      onProgress?.({
        phase: what === 'weights' ? 'measuring what each weight is worth' : 'comparing whole models',
        done,
        total,
      }),
  })
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
  target: Target,
  { recipe, device, tools, output, inputHash, calibration, signal, onProgress, onNote }: RunRecipeOptions,
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
  const applied = await applyRecipe(subject, recipe, {
    ...tools,
    device,
    signal,
    store: folderStore(work),
    identity: await identityOf(inputHash, target, calibration),
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
