export type { ModelConfig, RopeConfig, RopeScaling } from './config.ts'
export { type FieldReader, type Fields, readFields } from './fields.ts'
export { configFromGguf } from './gguf.ts'
export { configFromHuggingFace } from './hugging-face.ts'
