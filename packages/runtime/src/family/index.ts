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
export { plainDownName, transformedDownName } from './names/index.ts'
export { uploadStep } from './upload-step.ts'
export { bertFamily, gemmaFamily, gptFamily, llamaFamily }

/** All decoder families. Pass a shorter list to ship less code. */
export const decoderFamilies: readonly ModelFamily[] = [llamaFamily, gemmaFamily, gptFamily]

/** All encoder families. */
export const encoderFamilies: readonly EncoderFamily[] = [bertFamily]
