import { compareEmbeddings, sampleSentences } from '@tessera-llm/evaluation'
import type { ReceiptEmbeddings, ReceiptEmbeddingSpeed, Recipe } from '@tessera-llm/optimize'
import { hashFile, readText } from '@tessera-llm/optimize/node'
import type { Embedder } from '@tessera-llm/runtime'
import type { Device } from '@tessera-llm/tensor'
import type { LoadOptions } from '../model/load.ts'
import { loadFiles } from '../model-files/index.ts'
import type { Listeners } from './listeners.ts'
import { withModelFiles } from './with-model-files.ts'

export interface EmbeddingsOptions extends Listeners {
  readonly device: Device
  /** Paths of the encoder before and after. */
  readonly original: string
  readonly compressed: string
  readonly text: string
  readonly sentences: number
  /** Rounding of the inputs of linear layers in the compressed model; the device's default if absent. */
  readonly recipe: Pick<Recipe, 'activations'>
}

export interface MeasuredEmbeddings {
  readonly embeddings: ReceiptEmbeddings
  readonly embeddingSpeed: { readonly before: ReceiptEmbeddingSpeed; readonly after: ReceiptEmbeddingSpeed }
}

/** Compares the vectors of a compressed encoder, as it runs, with the original's in f32, and the speed of both. */
export async function measureEmbeddings({
  device,
  original,
  compressed,
  text,
  sentences,
  recipe,
  ...listeners
}: EmbeddingsOptions): Promise<MeasuredEmbeddings> {
  const { texts } = sampleSentences('evaluation', await readText('evaluation', text), sentences)
  const before = await embedAll(original, texts, { device, activations: 'f32' }, listeners)
  const after = await embedAll(compressed, texts, { device, activations: recipe.activations }, listeners)
  const agreement = compareEmbeddings(before.vectors, after.vectors)
  return {
    embeddings: { text: await hashFile(text), activations: after.speed.activations, ...agreement },
    embeddingSpeed: { before: before.speed, after: after.speed },
  }
}

interface Embedded {
  readonly vectors: readonly Float32Array[]
  readonly speed: ReceiptEmbeddingSpeed
}

/** The vectors, and the higher speed of two rounds. */
async function embedAll(
  path: string,
  texts: readonly string[],
  options: Pick<LoadOptions, 'activations'> & { readonly device: Device },
  { signal, ...listeners }: Listeners,
): Promise<Embedded> {
  return withModelFiles(path, { signal, ...listeners }, async (files) => {
    const model = await loadFiles(files, { ...options, signal, onNote: listeners.onNote })
    try {
      let vectors: readonly Float32Array[] = []
      let sentencesPerSecond = 0
      for (let round = 0; round < 2; round++) {
        const begin = performance.now()
        vectors = await model.embed(texts, {
          signal,
          onProgress: (done, total) =>
            listeners.onProgress?.({ phase: 'embedding', done: round * total + done, total: 2 * total }),
        })
        sentencesPerSecond = Math.max(sentencesPerSecond, (1000 * texts.length) / (performance.now() - begin))
      }
      return { vectors, speed: { activations: (model.embedder as Embedder).activations, sentencesPerSecond } }
    } finally {
      await model.dispose()
    }
  })
}
