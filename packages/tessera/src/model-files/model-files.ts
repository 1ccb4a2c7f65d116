import { type Checkpoint, readGguf } from '@tessera-llm/formats'
import { architectureOf, type EncoderConfig, readEncoderConfig } from '@tessera-llm/runtime'
import { openHuggingFaceFolder } from '../folder/hugging-face-folder.ts'
import { defaultEncoderFamilies, type HuggingFaceFiles } from '../model/load.ts'
import { type ModelText, textOfGguf, textOfHuggingFace } from '../model/text.ts'
import { type ModelSourceOptions, openModelSource } from '../model-source/index.ts'

/** The open files of a model, of which only headers have been read. */
export interface ModelFiles {
  /** Name that the user gave: a path, a URL or `hf:…`. */
  readonly name: string
  /** Path on disk; undefined for a URL. */
  readonly path: string | undefined
  readonly checkpoint: Checkpoint
  /** Configuration files of a safetensors folder; undefined for GGUF. */
  readonly folder: (HuggingFaceFiles & { readonly path: string }) | undefined
  /** `performance.now()` when the files were on disk or reachable and reading began. */
  readonly beganAt: number
}

/**
 * Opens a model (a path, a URL or `hf:…`, which it downloads) and reads its headers. The caller closes the checkpoint.
 *
 * @throws TesseraError as `openModelSource`, and `invalid-file`
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

/** Configuration of an encoder; undefined for other models. */
export function encoderConfigOf({
  checkpoint,
  folder,
}: Pick<ModelFiles, 'checkpoint' | 'folder'>): EncoderConfig | undefined {
  const architecture = architectureOf(checkpoint, folder?.config)
  return defaultEncoderFamilies.some(({ architectures }) => architectures.includes(architecture))
    ? readEncoderConfig(checkpoint, folder?.config)
    : undefined
}

/** The model's tokenizer and chat template. */
export function textOf({ checkpoint, folder }: ModelFiles): ModelText {
  return folder ? textOfHuggingFace(folder) : textOfGguf(checkpoint)
}
