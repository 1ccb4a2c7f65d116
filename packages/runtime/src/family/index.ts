import { bertFamily } from './bert.ts'
import { gemmaFamily } from './gemma.ts'
import { gptFamily } from './gpt.ts'
import { llamaFamily } from './llama.ts'
import type { EncoderFamily, ModelFamily } from './model.ts'

export { cacheLayersOf } from './cache-layers.ts'
export type { Encoder, PackedSequences } from './encoder.ts'
export type {
  EncoderFamily,
  ForwardOptions,
  LanguageModel,
  ModelFamily,
  StepInputs,
  StoredPart,
  WeightSource,
} from './model.ts'
export { plainDownName, turnedDownName } from './names/index.ts'
export { uploadStep } from './upload-step.ts'
export { bertFamily, gemmaFamily, gptFamily, llamaFamily }

/** Every decoder that there is. Pass a shorter list to ship less. */
export const decoderFamilies: readonly ModelFamily[] = [llamaFamily, gemmaFamily, gptFamily]

/** Every encoder that there is. */
export const encoderFamilies: readonly EncoderFamily[] = [bertFamily]
