import { defaultFamilies } from '@tessera-llm/tessera'
import { encoderConfigOf, type ModelFiles, openModelFiles } from '@tessera-llm/tessera/node'
import { architectureOf, familyOf, type ModelConfig, readModelConfig } from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'
import type { Output } from '../terminal/index.ts'

/** Opens MODEL, downloading it if it is remote, reads its headers, and closes it after `use`. */
export async function withFiles<T>(
  name: string,
  output: Output,
  signal: AbortSignal,
  use: (files: ModelFiles) => Promise<T>,
): Promise<T> {
  const progress = output.progress('downloading')
  const files = await openModelFiles(name, {
    signal,
    onNote: output.note,
    onProgress: ({ loadedBytes, totalBytes }) => progress.report(loadedBytes, totalBytes),
  }).finally(() => progress.end())
  try {
    return await use(files)
  } finally {
    await files.checkpoint.close()
  }
}

/** Configuration of the model. Throws `unsupported` for an architecture that cannot run. */
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
