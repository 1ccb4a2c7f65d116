import { type Checkpoint, readGguf } from '@tessera-llm/formats'
import { architectureOf, type EncoderConfig, readEncoderConfig } from '@tessera-llm/runtime'
import { openHuggingFaceFolder } from '../folder/hugging-face-folder.ts'
import { defaultEncoderFamilies, type HuggingFaceFiles } from '../model/load.ts'
import { type ModelText, textOfGguf, textOfHuggingFace } from '../model/text.ts'
import { type ModelSourceOptions, openModelSource } from '../model-source/index.ts'

/** The files of a model, opened but not read beyond their headers. */
export interface ModelFiles {
  /** What the user called it. */
  readonly name: string
  /** Where it lies on the disk; undefined for what is read from a URL. */
  readonly path: string | undefined
  readonly checkpoint: Checkpoint
  /** The configuration files of a safetensors folder; absent for GGUF. */
  readonly folder: (HuggingFaceFiles & { readonly path: string }) | undefined
  /** `performance.now()` when the model was at hand and reading began. */
  readonly beganAt: number
}

/**
 * Finds a model (a path, a URL or `hf:…`, which is downloaded) and reads its headers. The caller closes the checkpoint.
 *
 * @throws TesseraError what `openModelSource` throws, and `invalid-file`
 */
export async function openModelFiles(name: string, options: ModelSourceOptions = {}): Promise<ModelFiles> {
  const found = await openModelSource(name, options)
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
