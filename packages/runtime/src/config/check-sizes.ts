import { TesseraError } from '@tessera-llm/tensor'

/** More than any model has. A damaged or hostile file must not cause a loop of billions. */
const mostLayers = 4096

/** Throws `invalid-file` unless the sizes describe a transformer. */
export function checkSizes(
  source: string,
  numLayers: number,
  hiddenSize: number,
  numHeads: number,
  numKvHeads: number,
  headDim: number,
): void {
  if (numLayers < 1 || numLayers > mostLayers)
    throw new TesseraError(
      'invalid-file',
      `${source}: the number of layers must be from 1 to ${mostLayers}, but is ${numLayers}`,
    )
  if (hiddenSize < 1 || numHeads < 1 || numKvHeads < 1 || headDim < 1) {
    throw new TesseraError(
      'invalid-file',
      `${source}: hidden size (${hiddenSize}), head count (${numHeads}), KV head count (${numKvHeads}) and head size (${headDim}) must be positive`,
    )
  }
  if (numHeads % numKvHeads !== 0) {
    throw new TesseraError(
      'invalid-file',
      `${source}: the head count (${numHeads}) must be a multiple of the KV head count (${numKvHeads})`,
    )
  }
}
