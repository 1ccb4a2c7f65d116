import { compareEmbeddings, sentencesOf, spreadOver } from '@tessera-llm/evaluation'
import type { ReceiptEmbeddings, ReceiptEmbeddingSpeed, Recipe } from '@tessera-llm/optimize'
import type { Embedder } from '@tessera-llm/runtime'
import type { LoadOptions } from '@tessera-llm/tessera'
import { type Device, TesseraError } from '@tessera-llm/tensor'
import { loadFiles, readTextFile, withFiles } from '../open/index.ts'
import type { Output } from '../terminal/index.ts'
import { hashFile } from './hash-file.ts'

export interface EmbeddingsOptions {
  readonly device: Device
  /** Paths of the encoder before and after. */
  readonly original: string
  readonly compressed: string
  readonly text: string
  readonly sentences: number
  /** Says how the compressed model rounds the inputs of linear layers; as the device prefers where it does not. */
  readonly recipe: Pick<Recipe, 'activations'>
  readonly signal: AbortSignal
}

export interface MeasuredEmbeddings {
  readonly embeddings: ReceiptEmbeddings
  readonly embeddingSpeed: { readonly before: ReceiptEmbeddingSpeed; readonly after: ReceiptEmbeddingSpeed }
}

/** Sentences of a text, spread evenly over it. Throws `invalid-value` where there are fewer than two. */
export function sampleSentences(
  option: string,
  written: string,
  count: number,
): { readonly texts: readonly string[]; readonly found: number } {
  const found = sentencesOf(written)
  if (found.length < 2)
    throw new TesseraError(
      'invalid-value',
      `--${option}: ${found.length === 1 ? 'one sentence' : 'no sentence'} of five words or more was found; give a longer text`,
    )
  return { texts: spreadOver(found, count), found: found.length }
}

/** How the vectors of a compressed encoder, as it runs, differ from the original's in f32; and the speed of both. */
export async function measureEmbeddings(
  { device, original, compressed, text, sentences, recipe, signal }: EmbeddingsOptions,
  output: Output,
): Promise<MeasuredEmbeddings> {
  const { texts } = sampleSentences('evaluate', await readTextFile('evaluate', text), sentences)
  const before = await embedAll(original, texts, { device, signal, activations: 'f32' }, output)
  const after = await embedAll(compressed, texts, { device, signal, activations: recipe.activations }, output)
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

/** The vectors, and the better speed of two rounds. */
async function embedAll(
  path: string,
  texts: readonly string[],
  options: Pick<LoadOptions, 'activations' | 'signal'> & { readonly device: Device },
  output: Output,
): Promise<Embedded> {
  return withFiles(path, output, options.signal ?? new AbortController().signal, async (files) => {
    const model = await loadFiles(files, options)
    const progress = output.progress('embedding')
    try {
      let vectors: readonly Float32Array[] = []
      let sentencesPerSecond = 0
      for (let round = 0; round < 2; round++) {
        const begin = performance.now()
        vectors = await model.embed(texts, {
          signal: options.signal,
          onProgress: (done, total) => progress.report(round * total + done, 2 * total),
        })
        sentencesPerSecond = Math.max(sentencesPerSecond, (1000 * texts.length) / (performance.now() - begin))
      }
      return { vectors, speed: { activations: (model.embedder as Embedder).activations, sentencesPerSecond } }
    } finally {
      progress.end()
      await model.dispose()
    }
  })
}
