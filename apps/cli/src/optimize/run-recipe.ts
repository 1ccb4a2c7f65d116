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
  type Solver,
  type Subject,
} from '@tessera-llm/optimize'
import { folderStore } from '@tessera-llm/optimize/node'
import { createDeviceEncoder, createDeviceGptq, createDeviceRounder } from '@tessera-llm/quantization'
import {
  createWasmEncoder,
  createWasmMultiply,
  encodeBlocksWasm,
  roundGroupsWasm,
  sweepRowsWasm,
} from '@tessera-llm/quantization/wasm'
import type { Tokenizer } from '@tessera-llm/runtime'
import type { Device } from '@tessera-llm/tensor'
import { createWasmDevice } from '@tessera-llm/wasm'
import { type ModelFiles, readTextFile, refuseUnlessFree, textOf } from '../open/index.ts'
import type { Output, Progress } from '../terminal/index.ts'
import { hashFile } from './hash-file.ts'
import { receiptPath } from './receipt-path.ts'
import type { Target } from './target.ts'

export interface RunRecipeOptions {
  readonly recipe: Recipe
  readonly device: Device
  /** All cores when undefined. */
  readonly threads: number | undefined
  readonly output: string
  /** SHA-256 of the model. */
  readonly inputHash: string
  /** The calibration text's path. */
  readonly calibrate: string | undefined
  readonly signal: AbortSignal
}

/** Chooses the formats of a recipe with a budget; what is measured for that is kept beside the output as well. */
export async function allocateRecipe(
  files: ModelFiles,
  target: Target,
  options: RunRecipeOptions,
  output: Output,
): Promise<BudgetAllocation> {
  const { recipe, device, threads, output: path, inputHash, calibrate, signal } = options
  const { subject } = target
  const progress = output.progress('measuring what each weight is worth')
  try {
    return await withSolver(threads, async (solver) =>
      allocateBudget(subject, recipe, {
        device,
        signal,
        calibration: await calibrationOf(files, subject, calibrate),
        file: target.fileSize,
        store: folderStore(budgetPath(path)),
        identity: await identityOf(inputHash, target, calibrate),
        solver,
        onProgress: (done, total) => progress.report(done, total),
      }),
    )
  } finally {
    progress.end()
  }
}

/** Writing a byte takes as long as so many of the operations that a recipe's progress counts; measured on two cores, 700 to 790 by format. */
const writingOperations = 750

/** Applies a recipe and writes the model. What is done is kept beside the output until it is whole, so that an interrupted run goes on. */
export async function runRecipe(
  files: ModelFiles,
  target: Target,
  { recipe, device, threads, output: path, inputHash, calibrate, signal }: RunRecipeOptions,
  output: Output,
): Promise<Applied> {
  const work = workPath(path)
  plannedLayout(target.subject, recipe)
  // A folder is replaced only where this command made it.
  const replace = target.kind === 'folder' && ((await exists(receiptPath(path))) || (await exists(work)))
  if (target.kind === 'folder' && !replace) await refuseUnlessFree(path)
  const original = target.subject
  const writing = writingOperations * planRecipe(original, recipe).bytesAfter
  let applying = 0
  let written = 0
  let progress: Progress | undefined
  try {
    const applied = await withSolver(threads, async (solver) => {
      const text = await calibrationOf(files, original, calibrate)
      const identity = await identityOf(inputHash, target, calibrate)
      // Time is counted from here: what was prepared says nothing about the pace.
      progress = output.progress('optimizing')
      return applyRecipe(original, recipe, {
        device,
        signal,
        calibration: text,
        store: folderStore(work),
        identity,
        solver,
        onProgress({ done, total }) {
          applying = total
          progress?.report(done, total + writing)
        },
      })
    })
    if (applied.resumed > 0)
      output.note(`went on from ${work}: ${applied.resumed} of ${applied.assignments.size} weights were done`)
    // Of several files, each counts its own bytes.
    let before = 0
    const onProgress = (doneBytes: number): void => {
      written += doneBytes - (doneBytes < before ? 0 : before)
      before = doneBytes
      progress?.report(applying + Math.min(writing, writingOperations * written), applying + writing)
    }
    await target.write(applied, path, { signal, recipe, replace, onProgress })
    return applied
  } finally {
    progress?.end()
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
    ids: tokenizer.encode(await readTextFile('calibrate', path), { addSpecial: false }),
    ...frameOf(subject, tokenizer),
  }
}

async function withSolver<T>(threads: number | undefined, use: (solver: Solver) => Promise<T>): Promise<T> {
  // Its own device, since the one that runs the model may be a GPU.
  const solvers = await createWasmDevice({ kernels: [encodeBlocksWasm, roundGroupsWasm, sweepRowsWasm], threads })
  try {
    return await use({
      multiply: await createWasmMultiply(),
      gptq: createDeviceGptq(solvers),
      encode: createDeviceEncoder(solvers),
      round: createDeviceRounder(solvers),
      encodeNow: await createWasmEncoder(),
    })
  } finally {
    await solvers.dispose()
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
async function identityOf(inputHash: string, { kind }: Target, calibrate: string | undefined): Promise<string> {
  return [kind, inputHash, ...(calibrate === undefined ? [] : [(await hashFile(calibrate)).sha256])].join()
}
