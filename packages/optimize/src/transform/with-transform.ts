import { compressedTransform, type Fields, type TransformerConfig } from '@tessera-llm/runtime'

/**
 * The `quantization_config` of a folder: `config`, which describes the storage of weights, if any are quantized, and
 * the transform of the inputs of `down`, if the model has one.
 */
export function withTransform(
  config: Fields | undefined,
  { downHadamard, intermediateSize }: TransformerConfig,
): Fields | undefined {
  if (downHadamard === undefined) return config
  const plain = {
    quant_method: 'compressed-tensors',
    format: 'dense',
    quantization_status: 'compressed',
    ignore: [],
    config_groups: {},
  }
  return { ...(config ?? plain), transform_config: compressedTransform(downHadamard, intermediateSize) }
}
