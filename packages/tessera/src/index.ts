export {
  createDefaultDevice,
  type DefaultDeviceOptions,
  type DeviceChoice,
  whenStarted,
} from './device/create-default-device.ts'
export { createEncoderModel, type EncoderModelParts } from './model/encoder-model.ts'
export {
  defaultEncoderFamilies,
  defaultFamilies,
  type HuggingFaceFiles,
  load,
  loadCheckpoint,
  loadHuggingFace,
  type LoadOptions,
  type LoadProgress,
} from './model/load.ts'
export { createModel, type Model, type ModelParts } from './model/model.ts'
export { encodeChat, type ModelText, textOfGguf, textOfHuggingFace } from './model/text.ts'
