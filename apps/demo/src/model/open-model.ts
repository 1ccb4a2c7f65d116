import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Checkpoint, readGguf } from '@tessera-llm/formats'
import { fileSource } from '@tessera-llm/formats/node'
import { architectureOf, familyOf, type ModelConfig, readModelConfig } from '@tessera-llm/runtime'
import { type Device, TesseraError } from '@tessera-llm/tensor'
import { defaultFamilies, type LoadOptions, loadCheckpoint, loadHuggingFace, type Model, type ModelText, textOfGguf, textOfHuggingFace } from '@tessera-llm/tessera'
import { openHuggingFaceFolder } from '@tessera-llm/tessera/node'
import { tinyModel } from '@tessera-llm/tiny-model'

/** A model's files, read as far as their headers; it can be loaded on one device after the other. */
export interface ModelFiles {
  readonly name: string
  /** The embedded model of this repository. */
  readonly isOwn: boolean
  readonly checkpoint: Checkpoint
  readonly config: ModelConfig
  readonly text: ModelText
  load(options: LoadOptions & { readonly device: Device }): Promise<Model>
}

/** Opens `model`, a path or the embedded model when left out; the caller closes the checkpoint. Throws `not-found`, `invalid-file` or `unsupported`. */
export async function openModel(model: string | undefined): Promise<ModelFiles> {
  const path = model ?? fileURLToPath(tinyModel.ggufUrl)
  const isOwn = model === undefined
  const name = isOwn ? tinyModel.name : basename(path)
  if (await isFolder(path)) {
    const files = await openHuggingFaceFolder(path)
    const text = textOfHuggingFace(files)
    return describe(files.checkpoint, files.config, { name, isOwn, text, load: (options) => loadHuggingFace(files, { ...options, text }) })
  }
  const checkpoint = await readGguf(await fileSource(path))
  const text = textOfGguf(checkpoint)
  return describe(checkpoint, undefined, { name, isOwn, text, load: (options) => loadCheckpoint(checkpoint, { ...options, text }) })
}

function describe(checkpoint: Checkpoint, fields: Parameters<typeof readModelConfig>[1], rest: Omit<ModelFiles, 'checkpoint' | 'config'>): ModelFiles {
  // Before the configuration: another architecture's need not have the fields that are read.
  familyOf(architectureOf(checkpoint, fields), defaultFamilies)
  return { ...rest, checkpoint, config: readModelConfig(checkpoint, fields) }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch (cause) {
    throw new TesseraError('not-found', `there is no file or folder ${path}; --model takes a path or hf:owner/repo/file.gguf`, { cause })
  }
}
