import { type GgufValue, type TensorData, writeGguf, type WriteOptions } from '@tessera-llm/formats'
import { fileSink } from '@tessera-llm/formats/node'
import type { Fields } from '@tessera-llm/runtime'
import type { ModelFiles } from '@tessera-llm/tessera/node'
import { writeFolder } from '@tessera-llm/optimize/node'

/** Contents of a changed model. */
export interface ModelContent {
  readonly tensors: readonly TensorData[]
  /** Metadata of a GGUF file. */
  readonly metadata: ReadonlyMap<string, GgufValue> | undefined
  /** `config.json` of a folder. */
  readonly config: Fields | undefined
}

/**
 * Writes a model in the container of `files`: a GGUF file, which replaces an existing one, or a new folder with the
 * tokenizer and the other small files of the old one. Nothing appears at `out` before it is complete.
 *
 * @throws TesseraError `io`, or `invalid-option` if `out` is a folder that exists
 */
export async function writeModel(
  files: ModelFiles,
  out: string,
  { tensors, metadata, config }: ModelContent,
  options: WriteOptions,
): Promise<void> {
  if (!files.folder) return writeGguf({ metadata: metadata ?? new Map(), tensors }, await fileSink(out), options)
  await writeFolder(out, { tensors, json: config ? { 'config.json': config } : {}, from: files.folder.path }, options)
}
