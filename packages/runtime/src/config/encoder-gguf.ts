import { TesseraError } from '@tessera-llm/tensor'
import type { EncoderConfig } from './config.ts'
import type { Fields } from './fields.ts'
import { readGgufArchitecture } from './gguf-architecture.ts'
import { refuseTransform, transformFromGguf } from './transforms.ts'

/** Facts from the tensors of a file, which its metadata may omit. */
export interface GgufEncoderFacts {
  readonly vocabSize: number
  /** Rows of the table of segment types; 0 without one. */
  readonly tokenTypes: number
}

/** Reads the keys `bert.*` of a GGUF file. No key states the activation, which is BERT's exact GELU. */
export function encoderConfigFromGguf(metadata: Fields, { vocabSize, tokenTypes }: GgufEncoderFacts): EncoderConfig {
  const { architecture, fields, sizes } = readGgufArchitecture(metadata)
  if (fields.boolean('attention.causal', false))
    throw new TesseraError(
      'unsupported',
      `GGUF metadata: ${architecture}.attention.causal is true; an encoder's tokens see each other on both sides`,
    )
  refuseTransform(transformFromGguf(metadata, sizes))
  return {
    architecture,
    ...sizes,
    vocabSize,
    normEps: fields.number('attention.layer_norm_epsilon'),
    activation: 'gelu-erf',
    ropes: Array.from({ length: sizes.numLayers }, () => undefined),
    tokenTypes,
  }
}
