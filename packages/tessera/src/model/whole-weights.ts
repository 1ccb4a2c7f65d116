import type { Checkpoint } from '@tessera-llm/formats'
import { type QuantizedCheckpoint, quantizedCheckpoint } from '@tessera-llm/quantization'
import type { Fields } from '@tessera-llm/runtime'

/**
 * A checkpoint with one tensor for each weight: the parts of weights that `config.json` says are quantized (GPTQ, AWQ,
 * compressed-tensors) are combined, all other tensors are unchanged.
 *
 * @throws TesseraError `invalid-file` or `unsupported` for a layout that cannot be read
 */
export async function wholeWeights(checkpoint: Checkpoint, config: Fields): Promise<Checkpoint> {
  const quantization = config['quantization_config']
  return quantization === undefined || quantization === null || isWhole(checkpoint)
    ? checkpoint
    : quantizedCheckpoint(checkpoint, quantization)
}

function isWhole(checkpoint: Checkpoint): checkpoint is QuantizedCheckpoint {
  return 'matrix' in checkpoint
}
