import { rm } from 'node:fs/promises'
import type { GgufCheckpoint } from '@tessera-llm/formats'
import { fileSink } from '@tessera-llm/formats/node'
import { type Applied, applyRecipe, type Recipe, type Subject, subjectOf, writeGgufModel } from '@tessera-llm/optimize'
import { folderStore } from '@tessera-llm/optimize/node'
import { createWasmGptqKernel, createWasmMultiply } from '@tessera-llm/quantization/wasm'
import type { Device } from '@tessera-llm/tensor'
import { TesseraError } from '@tessera-llm/tensor'
import { defaultEncoderFamilies, defaultFamilies } from '@tessera-llm/tessera'
import { type ModelFiles, readTextFile, textOf } from '../open/index.ts'
import type { Output } from '../terminal/index.ts'
import { hashFile } from './hash-file.ts'

export interface RunRecipeOptions {
  readonly recipe: Recipe
  readonly device: Device
  readonly output: string
  /** The calibration text's path. */
  readonly calibrate: string | undefined
  readonly signal: AbortSignal
}

/** The model of MODEL as recipes see it. */
export function subjectOfFiles({ checkpoint, folder }: ModelFiles): Subject {
  return subjectOf(checkpoint, { families: defaultFamilies, encoderFamilies: defaultEncoderFamilies, config: folder?.config })
}

/** Applies a recipe and writes the model. What is done is kept beside the output until it is whole, so that an interrupted run goes on. */
export async function runRecipe(files: ModelFiles, { recipe, device, output: path, calibrate, signal }: RunRecipeOptions, output: Output): Promise<Applied> {
  if (files.checkpoint.container !== 'gguf') throw new TesseraError('unsupported', `optimize: ${files.name} is not a GGUF file; this version writes GGUF from GGUF`)
  const { tokenizer } = textOf(files)
  const ids = calibrate === undefined ? undefined : tokenizer.encode(await readTextFile('calibrate', calibrate), { addSpecial: false })
  const work = `${path}.work`
  const original = subjectOfFiles(files)
  const progress = output.progress('optimizing')
  try {
    const applied = await applyRecipe(original, recipe, {
      device,
      signal,
      calibration: ids && { ids, bosId: tokenizer.addBos ? tokenizer.bosId : undefined },
      store: folderStore(work),
      identity: await identityOf(files.name, calibrate),
      solver: { multiply: await createWasmMultiply(), kernel: await createWasmGptqKernel(Math.max(original.config.hiddenSize, original.config.intermediateSize, original.config.numHeads * original.config.headDim)) },
      onProgress: ({ done, total }) => progress.report(done, total),
    })
    if (applied.resumed > 0) output.note(`went on from ${work}: ${applied.resumed} of ${applied.assignments.size} weights were done`)
    await writeGgufModel(applied, original, files.checkpoint as GgufCheckpoint, await fileSink(path), { signal })
    return applied
  } finally {
    progress.end()
  }
}

/** Removes what `runRecipe` kept. */
export async function forgetWork(path: string): Promise<void> {
  await rm(`${path}.work`, { recursive: true, force: true })
}

async function identityOf(model: string, calibrate: string | undefined): Promise<string> {
  const files = await Promise.all([model, ...(calibrate === undefined ? [] : [calibrate])].map(hashFile))
  return files.map(({ sha256 }) => sha256).join()
}
