export { bertNames, distilbertNames } from './encoder.ts'
export { ggufNames } from './gguf.ts'
export { llamaNames, sandwichNames } from './hugging-face.ts'
export { type LayerPart, type TensorNames, withPrefix } from './names.ts'
