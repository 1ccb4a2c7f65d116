import { rm, stat } from 'node:fs/promises'
import { type Applied, applyRecipe, type CalibrationText, plannedLayout, type Recipe, type Subject } from '@tessera-llm/optimize'
import { folderStore } from '@tessera-llm/optimize/node'
import { createDeviceEncoder } from '@tessera-llm/quantization'
import { createWasmGptqKernel, createWasmMultiply, encodeBlocksWasm } from '@tessera-llm/quantization/wasm'
import type { Tokenizer } from '@tessera-llm/runtime'
import type { Device } from '@tessera-llm/tensor'
import { createWasmDevice } from '@tessera-llm/wasm'
import { type ModelFiles, readTextFile, refuseUnlessFree, textOf } from '../open/index.ts'
import type { Output } from '../terminal/index.ts'
import { hashFile, hashModel } from './hash-file.ts'
import { receiptPath } from './receipt-path.ts'
import type { Target } from './target.ts'

export interface RunRecipeOptions {
  readonly recipe: Recipe
  readonly device: Device
  /** All cores when undefined. */
  readonly threads: number | undefined
  readonly output: string
  /** The calibration text's path. */
  readonly calibrate: string | undefined
  readonly signal: AbortSignal
}

/** Applies a recipe and writes the model. What is done is kept beside the output until it is whole, so that an interrupted run goes on. */
export async function runRecipe(files: ModelFiles, target: Target, { recipe, device, threads, output: path, calibrate, signal }: RunRecipeOptions, output: Output): Promise<Applied> {
  const work = workPath(path)
  plannedLayout(target.subject, recipe)
  // A folder is replaced only where this command made it.
  const replace = target.kind === 'folder' && (await exists(receiptPath(path)) || await exists(work))
  if (target.kind === 'folder' && !replace) await refuseUnlessFree(path)
  const { tokenizer } = textOf(files)
  const ids = calibrate === undefined ? undefined : tokenizer.encode(await readTextFile('calibrate', calibrate), { addSpecial: false })
  const original = target.subject
  // Its own, since the device that runs the model may be a GPU.
  const encoders = await createWasmDevice({ kernels: [encodeBlocksWasm], threads })
  const progress = output.progress('optimizing')
  try {
    const applied = await applyRecipe(original, recipe, {
      device,
      signal,
      calibration: ids && { ids, ...frameOf(original, tokenizer) },
      store: folderStore(work),
      identity: await identityOf(files, target, calibrate),
      solver: { multiply: await createWasmMultiply(), kernel: await createWasmGptqKernel(Math.max(original.config.hiddenSize, original.config.intermediateSize, original.config.numHeads * original.config.headDim)), encode: createDeviceEncoder(encoders) },
      onProgress: ({ done, total }) => progress.report(done, total),
    })
    if (applied.resumed > 0) output.note(`went on from ${work}: ${applied.resumed} of ${applied.assignments.size} weights were done`)
    await target.write(applied, path, { signal, recipe, replace })
    return applied
  } finally {
    progress.end()
    await encoders.dispose()
  }
}

/** The tokens that a window of the calibration text begins and ends with, as the model's own inputs do. */
function frameOf({ kind }: Subject, tokenizer: Tokenizer): Pick<CalibrationText, 'bosId' | 'endId'> {
  if (kind === 'decoder') return { bosId: tokenizer.addBos ? tokenizer.bosId : undefined }
  const frame = tokenizer.encode('')
  return frame.length === 2 ? { bosId: frame[0], endId: frame[1] } : {}
}

/** Removes what `runRecipe` kept. */
export async function forgetWork(path: string): Promise<void> {
  await rm(workPath(path), { recursive: true, force: true })
}

function workPath(path: string): string {
  return `${path.replace(/[/\\]+$/, '')}.work`
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(() => true, () => false)
}

/** Rows of queries and keys stand in another order in each kind of file. */
async function identityOf({ name }: ModelFiles, { kind }: Target, calibrate: string | undefined): Promise<string> {
  const { sha256 } = await hashModel(name)
  return [kind, sha256, ...(calibrate === undefined ? [] : [(await hashFile(calibrate)).sha256])].join()
}
