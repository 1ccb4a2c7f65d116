import { compareEmbeddings, sampleSentences } from '@tessera-llm/evaluation'
import type { Embedder } from '@tessera-llm/runtime'
import { TesseraError } from '@tessera-llm/tensor'
import { type ModelArguments, type ModelFiles, withEncoder, withFiles } from '../open/index.ts'
import type { Output } from '../terminal/index.ts'

export interface EncoderEvalArguments extends ModelArguments {
  readonly against: string | undefined
  readonly sentences: number
}

/**
 * `eval ENCODER --against ORIGINAL --text FILE`: compares the vectors of both encoders on the sentences of a text. The
 * original computes in f32, the other rounds activations as `--activations` says.
 */
export async function evaluateEncoder(
  files: ModelFiles,
  written: string,
  args: EncoderEvalArguments,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const { against } = args
  if (against === undefined)
    throw new TesseraError(
      'invalid-option',
      `${files.name} holds an encoder, which has no perplexity; --against ORIGINAL measures how its vectors differ from another encoder's`,
    )
  const { texts, found } = sampleSentences('--text', written, args.sentences)
  const compared = await embedTexts(files, texts, args, output, signal)
  const original = await withFiles(against, output, signal, (other) =>
    embedTexts(other, texts, { ...args, activations: 'f32' }, output, signal),
  )
  const agreement = compareEmbeddings(original.vectors, compared.vectors)
  const { cosine, cosineStandardError, cosineMin, spearman, pairs, top1Agreement, top10Overlap } = agreement
  output.text(
    `cosine ${cosine.toFixed(5)} ± ${cosineStandardError.toFixed(5)} to the vectors of ${against}, at least ${cosineMin.toFixed(5)}\n`,
  )
  output.text(`similarity of ${pairs} pairs: rank correlation ${spearman.toFixed(5)}\n`)
  output.text(
    `the same nearest sentence for ${percent(top1Agreement)}, of the ten nearest ${percent(top10Overlap)} the same\n`,
  )
  output.text(`${texts.length} of ${found} sentences, ${compared.activations} activations on ${compared.device}\n`)
  output.result({ ...agreement, activations: compared.activations })
}

interface Embedded {
  readonly vectors: readonly Float32Array[]
  readonly activations: Embedder['activations']
  readonly device: string
}

function embedTexts(
  files: ModelFiles,
  texts: readonly string[],
  args: EncoderEvalArguments,
  output: Output,
  signal: AbortSignal,
): Promise<Embedded> {
  return withEncoder(files, args, output, signal, async (model) => {
    const progress = output.progress('embedding')
    try {
      const vectors = await model.embed(texts, { signal, onProgress: progress.report })
      return { vectors, activations: (model.embedder as Embedder).activations, device: model.device.name }
    } finally {
      progress.end()
    }
  })
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}
