import type { Checkpoint } from '@tessera-llm/formats'
import { encoderConfigFromHuggingFace, type Fields } from '../config/index.ts'
import type { Encoder, EncoderFamily } from '../family/index.ts'
import { architectureOf, familyOf } from './load-model.ts'
import { createWeightSource, type WeightLoadOptions } from './weights.ts'

export interface LoadEncoderOptions extends WeightLoadOptions {
  /** Architectures that can be built: `[bertFamily]`. */
  readonly families: readonly EncoderFamily[]
  /** The parsed `config.json`. */
  readonly config: Fields
}

/** Builds the encoder that a safetensors checkpoint holds on `options.device`. Nothing stays allocated when it fails. */
export async function loadEncoder(checkpoint: Checkpoint, options: LoadEncoderOptions): Promise<Encoder> {
  const family = familyOf(architectureOf(checkpoint, options.config), options.families)
  const config = encoderConfigFromHuggingFace(options.config)
  const weights = createWeightSource(checkpoint, options)
  try {
    return await family.build(config, weights, options.device)
  } catch (error) {
    weights.dispose()
    throw error
  }
}
