import { basename } from 'node:path'
import type { Checkpoint, GgufCheckpoint, WriteOptions } from '@tessera-llm/formats'
import { fileSink } from '@tessera-llm/formats/node'
import {
  type Applied,
  type FileSize,
  folderContent,
  folderSize,
  ggufCheckpointOf,
  ggufContent,
  ggufFileSize,
  type HeadCalibration,
  huggingFaceContent,
  huggingFaceJson,
  jsonBytes,
  noStaticActivations,
  type Recipe,
  recipeCheckpoint,
  safetensorsCheckpointOf,
  type Subject,
  subjectOf,
  writeGgufModel,
} from '@tessera-llm/optimize'
import { copiedBytes, type FolderFiles, writeFolder } from '@tessera-llm/optimize/node'
import type { Fields } from '@tessera-llm/runtime'
import { defaultEncoderFamilies, defaultFamilies } from '../model/load.ts'
import type { ModelFiles } from '../model-files/index.ts'

export interface WriteTargetOptions extends WriteOptions {
  readonly recipe: Recipe
  readonly replace?: boolean | undefined
}

/** A model converted to the kind of files that is to be written, a GGUF file or a folder: the input of recipes. */
export interface Target {
  readonly kind: 'gguf' | 'folder'
  readonly subject: Subject
  /** Predicts the size of the output. */
  readonly fileSize: FileSize
  /** `replace` overwrites an existing folder; existing files are always overwritten. */
  write(applied: Applied, out: string, options: WriteTargetOptions): Promise<void>
}

/** Kind of the output, by the ending of its path. */
export function kindOfOutput(out: string): Target['kind'] {
  return out.endsWith('.gguf') ? 'gguf' : 'folder'
}

/**
 * Converts a model to the kind of the output, with values unchanged except for heads that the recipe merges. Without a
 * calibration that the recipe needs, the result serves for a plan only.
 */
export async function targetOf(
  stored: ModelFiles,
  kind: Target['kind'],
  recipe: Recipe,
  calibration?: HeadCalibration,
): Promise<Target> {
  const { checkpoint, config } = recipeCheckpoint(stored.checkpoint, recipe, {
    config: stored.folder?.config,
    calibration,
  })
  const files = { ...stored, checkpoint, folder: stored.folder && config && { ...stored.folder, config } }
  if (kind === 'gguf' && recipe.activations === 'int8-static') throw noStaticActivations()
  return kind === 'gguf' ? ggufTarget(files) : folderTarget(files)
}

/** The model of a checkpoint as stored. */
export function subjectOfFiles({ checkpoint, folder }: Pick<ModelFiles, 'checkpoint' | 'folder'>): Subject {
  return subjectOf(checkpoint, {
    families: defaultFamilies,
    encoderFamilies: defaultEncoderFamilies,
    config: folder?.config,
  })
}

function ggufTarget({ name, checkpoint: stored, folder }: ModelFiles): Target {
  const checkpoint = folder
    ? ggufCheckpointOf(ggufContent({ ...folder, checkpoint: stored, name: basename(name) }))
    : (stored as GgufCheckpoint)
  const subject = subjectOfFiles({ checkpoint, folder: undefined })
  return {
    kind: 'gguf',
    subject,
    fileSize: ggufFileSize(subject, checkpoint),
    write: async (applied, out, { recipe: _, replace: __, ...options }) =>
      writeGgufModel(applied, subject, checkpoint, await fileSink(out), options),
  }
}

async function folderTarget({ checkpoint: stored, folder }: ModelFiles): Promise<Target> {
  const { checkpoint, config, files } = folder
    ? { checkpoint: stored, config: folder.config, files: { json: {}, from: folder.path } }
    : await convertedFolder(stored)
  const subject = subjectOf(checkpoint, { families: defaultFamilies, encoderFamilies: defaultEncoderFamilies, config })
  return {
    kind: 'folder',
    subject,
    fileSize: folderSize(subject, checkpoint, { config, otherBytes: await otherBytesOf(files) }),
    async write(applied, out, { recipe: { layout, activations }, ...options }) {
      const content = await folderContent(applied, subject, checkpoint, { config, layout, activations })
      await writeFolder(
        out,
        { ...files, tensors: content.tensors, json: { ...files.json, 'config.json': content.config } },
        options,
      )
    },
  }
}

/** Bytes of the files that `writeFolder` adds beside the weights and `config.json`. */
async function otherBytesOf({ json, from }: Omit<FolderFiles, 'tensors'>): Promise<number> {
  const written = Object.values(json).reduce((sum, fields) => sum + jsonBytes(fields), 0)
  return from === undefined ? written : written + (await copiedBytes(from))
}

interface Converted {
  readonly checkpoint: Checkpoint
  readonly config: Fields
  readonly files: Omit<FolderFiles, 'tensors'>
}

async function convertedFolder(stored: Checkpoint): Promise<Converted> {
  const content = await huggingFaceContent(stored, { decode: true })
  const { 'config.json': _, ...json } = huggingFaceJson(content)
  return { checkpoint: safetensorsCheckpointOf(content.tensors), config: content.config, files: { json } }
}
