export { createDefaultDevice, type DefaultDeviceOptions, type DeviceChoice } from './device/create-default-device.ts'
export { defaultFamilies, type HuggingFaceFiles, load, loadCheckpoint, loadHuggingFace, type LoadOptions } from './model/load.ts'
export { createModel, type Model, type ModelParts } from './model/model.ts'
export { encodeChat, type ModelText, textOfGguf, textOfHuggingFace } from './model/text.ts'
