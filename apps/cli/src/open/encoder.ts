import { ggmlPackers } from '@tessera-llm/quantization'
import { architectureOf, familyOf, predictWeightBytes } from '@tessera-llm/runtime'
import { defaultEncoderFamilies, defaultFamilies, type LoadProgress, type Model } from '@tessera-llm/tessera'
import { TesseraError } from '@tessera-llm/tensor'
import { formatBytes, type Output } from '../terminal/index.ts'
import { openDevice } from './device.ts'
import { loadFiles, type ModelFiles } from '@tessera-llm/tessera/node'
import { availableMemory } from './memory.ts'
import { kindOf, type ModelArguments } from './options.ts'

/** Loads an encoder with progress, and disposes of it after `use`. Throws `unsupported` for other models. */
export async function withEncoder<T>(
  files: ModelFiles,
  args: Pick<ModelArguments, 'device' | 'threads'> & Partial<Pick<ModelArguments, 'activations'>>,
  output: Output,
  signal: AbortSignal,
  use: (model: Model) => Promise<T>,
): Promise<T> {
  const { name, checkpoint, folder } = files
  const architecture = architectureOf(checkpoint, folder?.config)
  if (defaultFamilies.some(({ architectures }) => architectures.includes(architecture)))
    throw new TesseraError(
      'unsupported',
      `${name} holds a decoder (${architecture}), which gives no vectors; use tessera run`,
    )
  familyOf(architecture, defaultEncoderFamilies)
  const weightBytes = predictWeightBytes(checkpoint, ggmlPackers, kindOf(args.device))
  const available = availableMemory(args.device)
  if (weightBytes > available)
    throw new TesseraError(
      'out-of-memory',
      `load: the weights take ${formatBytes(weightBytes)}, ${formatBytes(available)} are available; use a smaller model`,
    )
  const device = await openDevice(args)
  try {
    const progress = output.progress('loading')
    const onProgress = ({ loadedBytes, totalBytes }: LoadProgress): void => progress.report(loadedBytes, totalBytes)
    const { activations } = args
    const settings = { device, signal, onProgress, onNote: output.note, activations }
    const model = await loadFiles(files, settings).finally(() => progress.end())
    try {
      return await use(model)
    } finally {
      await model.dispose()
    }
  } finally {
    await device.dispose()
  }
}
