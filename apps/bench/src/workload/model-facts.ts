import { readCheckpoint } from '@tessera-llm/formats'
import { fileSource } from '@tessera-llm/formats/node'
import { TesseraError } from '@tessera-llm/tensor'

/** Work per token, from the header of a model file. */
export interface ModelFacts {
  readonly fileBytes: number
  /**
   * Bytes of the matrices that every generated token is multiplied with; the output head counts, an untied embedding
   * table does not.
   */
  readonly weightBytesPerToken: number
  /** Operations of those matrices for a token without logits (all but the last of a prompt). */
  readonly operationsPerPromptToken: number
  /** Bytes of one position's keys and values in f16, the least that every participant's cache supports. */
  readonly cacheBytesPerPosition: number
  /** Attention operations per visible position, in all layers. */
  readonly operationsPerPosition: number
}

/** @throws TesseraError `unsupported` if the metadata lacks the sizes of attention */
export async function readModelFacts(path: string): Promise<ModelFacts> {
  const source = await fileSource(path)
  try {
    const checkpoint = await readCheckpoint(source)
    const architecture = String(checkpoint.metadata['general.architecture'])
    const size = (key: string): number => {
      const value = checkpoint.metadata[`${architecture}.${key}`]
      if (typeof value !== 'number')
        throw new TesseraError(
          'unsupported',
          `bench: ${source.name} has no number ${architecture}.${key}; choose a GGUF language model`,
        )
      return value
    }
    const matrices = [...checkpoint.tensors.values()].filter(({ shape }) => shape.length === 2)
    const isTied = !checkpoint.tensors.has('output.weight')
    const head = isTied ? 'token_embd.weight' : 'output.weight'
    const multiplied = matrices.filter(({ name }) => name === head || name !== 'token_embd.weight')
    const elements = multiplied
      .filter(({ name }) => name !== head)
      .reduce((sum, { shape }) => sum + (shape[0] ?? 0) * (shape[1] ?? 0), 0)
    const heads = size('attention.head_count')
    const keyLength = checkpoint.metadata[`${architecture}.attention.key_length`]
    const headDim = typeof keyLength === 'number' ? keyLength : size('embedding_length') / heads
    return {
      fileBytes: checkpoint.byteLength,
      weightBytesPerToken: multiplied.reduce((sum, { byteLength }) => sum + byteLength, 0),
      operationsPerPromptToken: 2 * elements,
      cacheBytesPerPosition: 2 * 2 * size('block_count') * size('attention.head_count_kv') * headDim,
      operationsPerPosition: 4 * size('block_count') * heads * headDim,
    }
  } finally {
    await source.close()
  }
}
