import { load } from '@tessera-llm/tessera/node'
import { type EmbedWorkload, similaritiesOf, textsOf } from './workload/index.ts'

/**
 * Similarities of a workload's first texts by the original weights in f32, on this repository's WebAssembly device,
 * which goldens hold to PyTorch.
 */
export async function exactSimilarities(workload: EmbedWorkload, text: string): Promise<readonly number[]> {
  const model = await load(workload.folder, { device: 'wasm', threads: 1 })
  try {
    return similaritiesOf(await model.embed(textsOf(workload, text).slice(0, 9)))
  } finally {
    await model.dispose()
  }
}
