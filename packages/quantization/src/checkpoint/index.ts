export { readAwq, writeAwq } from './awq.ts'
export { type CompressedFormat, type CompressedScheme, readCompressed, writeCompressed } from './compressed-tensors.ts'
export {
  awqConfig,
  type CompressedActivations,
  type CompressedConfigOptions,
  compressedTensorsConfig,
  gptqConfig,
  type QuantizationConfig,
  readQuantizationConfig,
  type TargetedScheme,
} from './config.ts'
export { exactBlocks, type ExactBlockType, exactBlockType } from './exact-blocks.ts'
export { type GptqLayout, readGptq, writeGptq } from './gptq.ts'
export type { StoredPart, StoredParts } from './parts.ts'
export { type QuantizedCheckpoint, quantizedCheckpoint, type QuantizedStorage } from './quantized-checkpoint.ts'
