import { type Checkpoint, readGguf } from '@tessera-llm/formats'
import type { HuggingFaceFiles, ModelText } from '@tessera-llm/tessera'
import { defaultEncoderFamilies, defaultFamilies, textOfGguf, textOfHuggingFace } from '@tessera-llm/tessera'
import { openHuggingFaceFolder, openModelSource } from '@tessera-llm/tessera/node'
import {
  architectureOf,
  type EncoderConfig,
  familyOf,
  type ModelConfig,
  readEncoderConfig,
  readModelConfig,
} from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'
import type { Output } from '../terminal/index.ts'

/** The files of a model, opened but not read beyond their headers. */
export interface ModelFiles {
  /** What the user called it. */
  readonly name: string
  /** Where it lies on the disk; undefined for what is read from a URL. */
  readonly path: string | undefined
  readonly checkpoint: Checkpoint
  /** The configuration files of a safetensors folder; absent for GGUF. */
  readonly folder: (HuggingFaceFiles & { readonly path: string }) | undefined
  /** `performance.now()` when MODEL was at hand and reading began. */
  readonly beganAt: number
}

/** Finds MODEL (downloading it where it is remote), reads its headers, and closes it after `use`. */
export async function withFiles<T>(
  name: string,
  output: Output,
  signal: AbortSignal,
  use: (files: ModelFiles) => Promise<T>,
): Promise<T> {
  const files = await openFiles(name, output, signal)
  try {
    return await use(files)
  } finally {
    await files.checkpoint.close()
  }
}

async function openFiles(name: string, output: Output, signal: AbortSignal): Promise<ModelFiles> {
  const progress = output.progress('downloading')
  try {
    const found = await openModelSource(name, {
      signal,
      onNote: output.note,
      onProgress: ({ loadedBytes, totalBytes }) => progress.report(loadedBytes, totalBytes),
    })
    const beganAt = performance.now()
    if (found.kind === 'folder') {
      const folder = await openHuggingFaceFolder(found.path)
      return { name, path: found.path, checkpoint: folder.checkpoint, folder: { ...folder, path: found.path }, beganAt }
    }
    try {
      return {
        name,
        path: /^https?:/.test(found.source.name) ? undefined : found.source.name,
        checkpoint: await readGguf(found.source),
        folder: undefined,
        beganAt,
      }
    } catch (error) {
      await found.source.close()
      throw error
    }
  } finally {
    progress.end()
  }
}

/** The sizes of the model. Throws `unsupported` for an architecture that cannot be run. */
export function configOf({ name, checkpoint, folder }: ModelFiles): ModelConfig {
  const encoder = encoderConfigOf({ checkpoint, folder })
  if (encoder)
    throw new TesseraError(
      'unsupported',
      `${name} holds an encoder (${encoder.architecture}), which writes no text; use tessera embed`,
    )
  familyOf(architectureOf(checkpoint, folder?.config), defaultFamilies)
  return readModelConfig(checkpoint, folder?.config)
}

/** The sizes of an encoder; undefined for other models. */
export function encoderConfigOf({
  checkpoint,
  folder,
}: Pick<ModelFiles, 'checkpoint' | 'folder'>): EncoderConfig | undefined {
  const architecture = architectureOf(checkpoint, folder?.config)
  return defaultEncoderFamilies.some(({ architectures }) => architectures.includes(architecture))
    ? readEncoderConfig(checkpoint, folder?.config)
    : undefined
}

/** Its tokenizer and chat template. */
export function textOf({ checkpoint, folder }: ModelFiles): ModelText {
  return folder ? textOfHuggingFace(folder) : textOfGguf(checkpoint)
}
