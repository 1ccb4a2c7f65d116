import type { Checkpoint } from '@tessera-llm/formats'
import { TesseraError } from '@tessera-llm/tensor'
import {
  type EncoderConfig,
  encoderConfigFromGguf,
  encoderConfigFromHuggingFace,
  type Fields,
} from '../config/index.ts'
import type { Encoder, EncoderFamily } from '../family/index.ts'
import { architectureOf, familyOf, requireConfig } from './load-model.ts'
import { createWeightSource, type WeightLoadOptions } from './weights.ts'

/** Options of `loadEncoder`. */
export interface LoadEncoderOptions extends WeightLoadOptions {
  /** Supported architectures: `[bertFamily]`. */
  readonly families: readonly EncoderFamily[]
  /** The parsed `config.json` of a safetensors checkpoint. */
  readonly config?: Fields | undefined
}

/** Builds the encoder of a checkpoint on `options.device`. After an error nothing stays allocated. */
export async function loadEncoder(checkpoint: Checkpoint, options: LoadEncoderOptions): Promise<Encoder> {
  const family = familyOf(architectureOf(checkpoint, options.config), options.families)
  const config = readEncoderConfig(checkpoint, options.config)
  const weights = createWeightSource(checkpoint, options)
  try {
    return await family.build(
      config,
      checkpoint.container === 'gguf' ? 'gguf' : 'hugging-face',
      weights,
      options.device,
    )
  } catch (error) {
    weights.dispose()
    throw error
  }
}

/** Reads the configuration of an encoder without loading a weight. */
export function readEncoderConfig({ container, metadata, tensors }: Checkpoint, config?: Fields): EncoderConfig {
  if (container !== 'gguf') return encoderConfigFromHuggingFace(requireConfig(config))
  const embedding = tensors.get('token_embd.weight')
  if (!embedding)
    throw new TesseraError('invalid-file', 'load: the GGUF file has no token_embd.weight; is it an encoder?')
  return encoderConfigFromGguf(metadata as Fields, {
    vocabSize: embedding.shape[0] ?? 0,
    tokenTypes: tensors.get('token_types.weight')?.shape[0] ?? 0,
  })
}
