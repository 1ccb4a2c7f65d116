export { calibrateEncoderHeads, type CalibrateHeadsOptions, calibrateHeads } from './calibrate-heads.ts'
export type { HeadCalibration, LayerCalibration } from './collect-heads.ts'
export {
  type ConvertedCheckpoint,
  convertCheckpointHeads,
  type HeadConversionOptions,
} from './convert-checkpoint-heads.ts'
export { needsHeadCalibration, recipeCheckpoint, type RecipeCheckpointOptions } from './recipe-checkpoint.ts'
