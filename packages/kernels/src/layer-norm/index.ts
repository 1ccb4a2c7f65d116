export {
  layerNorm,
  type LayerNormInputs,
  layerNormOp,
  type LayerNormOptions,
  type LayerNormOutputs,
} from './contract.ts'
