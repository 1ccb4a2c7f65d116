export { architectures, type Architecture } from './architecture.ts'
export { ggufCheckpointOf, safetensorsCheckpointOf } from './content-checkpoint.ts'
export { ggufContent, type HuggingFaceModel } from './to-gguf.ts'
export {
  huggingFaceContent,
  type HuggingFaceContent,
  huggingFaceJson,
  type ToHuggingFaceOptions,
} from './to-hugging-face.ts'
