export { architectures, type Architecture } from './architecture.ts'
export { ggufContent, type HuggingFaceModel } from './to-gguf.ts'
export { huggingFaceContent, type HuggingFaceContent, type ToHuggingFaceOptions } from './to-hugging-face.ts'
