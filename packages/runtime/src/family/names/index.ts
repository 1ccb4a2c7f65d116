export { bertNames, distilbertNames, modernbertNames } from './encoder.ts'
export {
  ggufBertNames,
  ggufFusedNames,
  ggufNames,
  ggufPhi3Names,
  plainDownName,
  transformedDownName,
  withTransformedDown,
} from './gguf.ts'
export {
  bloomNames,
  falconNames,
  gpt2Names,
  gptNeoxNames,
  llamaNames,
  optNames,
  phi3Names,
  postNormNames,
  sandwichNames,
} from './hugging-face.ts'
export { type LayerPart, type TensorNames, withPrefix } from './names.ts'
