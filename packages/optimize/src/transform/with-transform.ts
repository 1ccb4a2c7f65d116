import { compressedTransform, type Fields, type TransformerConfig } from '@tessera-llm/runtime'

/** The `quantization_config` of a folder: `config`, which says how weights are stored, where any are, and how the model turns its inputs of `down`, where it does. */
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
