import {
  bufferSink,
  bufferSource,
  type Checkpoint,
  type GgufCheckpoint,
  readSafetensors,
  writeSafetensors,
} from '@tessera-llm/formats'
import {
  type Applied,
  decodedCheckpoint,
  folderContent,
  huggingFaceContent,
  type Recipe,
  safetensorsCheckpointOf,
  type Subject,
  subjectOf,
} from '@tessera-llm/optimize'
import type { Device } from '@tessera-llm/tensor'
import { defaultFamilies, loadCheckpoint, loadHuggingFace, type Model } from '@tessera-llm/tessera'

/** A recipe's model in the files that it is applied to. */
export interface RowFiles {
  readonly subject: Subject
  load(applied: Applied, device: Device): Promise<Model>
}

/**
 * Decodes values to f32 if only weights are rounded: kernels do not matter then. Kernels of packed weights round the
 * inputs of layers, so recipes that need it get an in-memory folder of integers. Without steps, returns the file as it
 * is.
 */
export async function filesOfRow(
  { activations = 'f32', steps }: Recipe,
  checkpoint: GgufCheckpoint,
): Promise<RowFiles> {
  const subject = subjectOf(checkpoint, { families: defaultFamilies })
  if (activations === 'f32')
    return {
      subject,
      load: async (applied, device) => loadCheckpoint(decodedCheckpoint(applied, checkpoint.metadata), { device }),
    }
  if (steps.length === 0) return { subject, load: async (_, device) => loadCheckpoint(checkpoint, { device }) }
  const { tensors, config, tokenizer, tokenizerConfig } = await huggingFaceContent(checkpoint, { decode: true })
  const stored = safetensorsCheckpointOf(tensors)
  const folder = subjectOf(stored, { families: defaultFamilies, config })
  return {
    subject: folder,
    async load(applied, device) {
      const content = await folderContent(applied, folder, stored, {
        config,
        layout: 'compressed-tensors',
        activations,
      })
      return loadHuggingFace(
        { checkpoint: await inMemory(content.tensors), config: content.config, tokenizer, tokenizerConfig },
        { device },
      )
    },
  }
}

async function inMemory(tensors: Parameters<typeof writeSafetensors>[0]['tensors']): Promise<Checkpoint> {
  const sink = bufferSink()
  await writeSafetensors({ tensors, metadata: { format: 'pt' } }, sink)
  return readSafetensors(bufferSource(sink.bytes()))
}
