import { applyRecipe, folderContent, parseRecipe, safetensorsCheckpointOf, subjectOf } from '@tessera-llm/optimize'
import { createDefaultDevice, defaultEncoderFamilies, type HuggingFaceFiles, loadHuggingFace } from '@tessera-llm/tessera'
import { openHuggingFaceFolder } from '@tessera-llm/tessera/node'
import type { Device } from '@tessera-llm/tensor'
import type { EmbedEngine } from '../participant/embed/index.ts'
import type { EmbedWorkload } from '../workload/index.ts'

/** What `tessera optimize` makes of the folder, without writing it. Texts are tokenized each time, which peers are spared. */
export async function openTesseraEmbed({ folder, precision, threads }: EmbedWorkload, texts: readonly string[]): Promise<EmbedEngine> {
  const device = await createDefaultDevice({ device: 'wasm', threads })
  const files = await openHuggingFaceFolder(folder)
  const model = await loadHuggingFace(precision === 'f32' ? files : await roundedTo8Bits(files, device), { device })
  await files.checkpoint.close()
  return {
    embed: () => model.embed(texts),
    async close() {
      await model.dispose()
      await device.dispose()
    },
  }
}

async function roundedTo8Bits(files: HuggingFaceFiles, device: Device): Promise<HuggingFaceFiles> {
  const { checkpoint, config } = files
  const subject = subjectOf(checkpoint, { families: [], encoderFamilies: defaultEncoderFamilies, config })
  const recipe = parseRecipe({ steps: [{ kind: 'quantize', method: 'rtn', format: { bits: 8, group: 'row', symmetric: true } }] })
  const content = await folderContent(await applyRecipe(subject, recipe, { device }), subject, checkpoint, { config })
  return { ...files, checkpoint: safetensorsCheckpointOf(content.tensors), config: content.config }
}
