import { bufferSink, bufferSource, type Checkpoint, readGguf } from '@tessera-llm/formats'
import {
  applyRecipe,
  folderContent,
  ggufCheckpointOf,
  ggufContent,
  parseRecipe,
  safetensorsCheckpointOf,
  subjectOf,
  writeGgufModel,
} from '@tessera-llm/optimize'
import {
  createDefaultDevice,
  defaultEncoderFamilies,
  type HuggingFaceFiles,
  loadCheckpoint,
  loadHuggingFace,
  type Model,
} from '@tessera-llm/tessera'
import { openHuggingFaceFolder } from '@tessera-llm/tessera/node'
import type { Device } from '@tessera-llm/tensor'
import type { EmbedEngine } from '../participant/embed/index.ts'
import type { EmbedWorkload } from '../workload/index.ts'

/**
 * Result of `tessera optimize` for the folder, without writing it. Texts are tokenized each time, which peers need not
 * do.
 */
export async function openTesseraEmbed(
  { folder, precision, threads }: EmbedWorkload,
  texts: readonly string[],
): Promise<EmbedEngine> {
  const device = await createDefaultDevice({ device: 'wasm', threads })
  const files = await openHuggingFaceFolder(folder)
  const model = await loadAs(precision, files, device)
  await files.checkpoint.close()
  return {
    embed: () => model.embed(texts),
    async close() {
      await model.dispose()
      await device.dispose()
    },
  }
}

async function loadAs(precision: EmbedWorkload['precision'], files: HuggingFaceFiles, device: Device): Promise<Model> {
  switch (precision) {
    case 'f32':
      return loadHuggingFace(files, { device })
    case 'int8':
      return loadHuggingFace(await roundedTo8Bits(files, device), { device })
    case 'q5_0':
      return loadCheckpoint(await roundedTo5Bits(files, device), { device })
  }
}

/** Rounds to nearest: GPTQ's choice takes as long to multiply. */
async function roundedTo5Bits(files: HuggingFaceFiles, device: Device): Promise<Checkpoint> {
  const checkpoint = ggufCheckpointOf(ggufContent(files))
  const subject = subjectOf(checkpoint, { families: [], encoderFamilies: defaultEncoderFamilies })
  const applied = await applyRecipe(
    subject,
    parseRecipe({ steps: [{ kind: 'quantize', method: 'rtn', format: 'q5_0' }] }),
    { device },
  )
  const sink = bufferSink()
  await writeGgufModel(applied, subject, checkpoint, sink)
  return readGguf(bufferSource(sink.bytes()))
}

async function roundedTo8Bits(files: HuggingFaceFiles, device: Device): Promise<HuggingFaceFiles> {
  const { checkpoint, config } = files
  const subject = subjectOf(checkpoint, { families: [], encoderFamilies: defaultEncoderFamilies, config })
  const recipe = parseRecipe({
    steps: [{ kind: 'quantize', method: 'rtn', format: { bits: 8, group: 'row', symmetric: true } }],
  })
  const content = await folderContent(await applyRecipe(subject, recipe, { device }), subject, checkpoint, { config })
  return { ...files, checkpoint: safetensorsCheckpointOf(content.tensors), config: content.config }
}
