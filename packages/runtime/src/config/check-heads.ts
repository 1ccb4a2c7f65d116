import { TesseraError } from '@tessera-llm/tensor'

/** Throws unless the head counts and sizes make an attention layer. */
export function checkHeads(source: string, hiddenSize: number, numHeads: number, numKvHeads: number, headDim: number): void {
  if (hiddenSize < 1 || numHeads < 1 || numKvHeads < 1 || headDim < 1) {
    throw new TesseraError('invalid-file', `${source}: hidden size (${hiddenSize}), head count (${numHeads}), KV head count (${numKvHeads}) and head size (${headDim}) must be positive`)
  }
  if (numHeads % numKvHeads !== 0) {
    throw new TesseraError('invalid-file', `${source}: the head count (${numHeads}) must be a multiple of the KV head count (${numKvHeads})`)
  }
}
