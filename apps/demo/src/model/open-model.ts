import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Checkpoint, readGguf } from '@tessera-llm/formats'
import { architectureOf, familyOf, type ModelConfig, readModelConfig } from '@tessera-llm/runtime'
import type { Device } from '@tessera-llm/tensor'
import {
  defaultFamilies,
  type LoadOptions,
  loadCheckpoint,
  loadHuggingFace,
  type Model,
  type ModelText,
  textOfGguf,
  textOfHuggingFace,
} from '@tessera-llm/tessera'
import { openHuggingFaceFolder, openModelSource, type SourceProgress } from '@tessera-llm/tessera/node'
import { tinyModel } from '@tessera-llm/tiny-model'

/** A model's files with parsed headers; it can be loaded on one device after another. */
export interface ModelFiles {
  readonly name: string
  /** Whether it is the embedded model of this repository. */
  readonly isOwn: boolean
  readonly checkpoint: Checkpoint
  readonly config: ModelConfig
  readonly text: ModelText
  load(options: LoadOptions & { readonly device: Device }): Promise<Model>
}

export interface OpenOptions {
  readonly signal: AbortSignal
  /** Progress of a download. */
  readonly onProgress: (progress: SourceProgress) => void
  readonly onNote: (line: string) => void
}

/**
 * Opens `model`: a path, or `hf:owner/repo/file.gguf`. Default: the embedded model. The caller closes the checkpoint.
 * Throws `not-found`, `invalid-file`, `unsupported`, `network` or `aborted`.
 */
export async function openModel(model: string | undefined, options: OpenOptions): Promise<ModelFiles> {
  const isOwn = model === undefined
  const source = await openModelSource(model ?? fileURLToPath(tinyModel.ggufUrl), options)
  const name = isOwn ? tinyModel.name : basename(model)
  if (source.kind === 'folder') {
    const files = await openHuggingFaceFolder(source.path)
    const text = textOfHuggingFace(files)
    return describe(files.checkpoint, files.config, {
      name,
      isOwn,
      text,
      load: (loading) => loadHuggingFace(files, { ...loading, text }),
    })
  }
  const checkpoint = await readGguf(source.source).catch(async (error: unknown) => {
    await source.source.close()
    throw error
  })
  const text = textOfGguf(checkpoint)
  return describe(checkpoint, undefined, {
    name,
    isOwn,
    text,
    load: (loading) => loadCheckpoint(checkpoint, { ...loading, text }),
  })
}

function describe(
  checkpoint: Checkpoint,
  fields: Parameters<typeof readModelConfig>[1],
  rest: Omit<ModelFiles, 'checkpoint' | 'config'>,
): ModelFiles {
  // Must precede reading the configuration: another architecture may lack the fields.
  familyOf(architectureOf(checkpoint, fields), defaultFamilies)
  return { ...rest, checkpoint, config: readModelConfig(checkpoint, fields) }
}
