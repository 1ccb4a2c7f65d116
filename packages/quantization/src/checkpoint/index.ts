export { readAwq, writeAwq } from './awq.ts'
export { type CompressedScheme, readCompressed } from './read-compressed.ts'
export { type CompressedFormat, writeCompressed } from './write-compressed.ts'
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
