import { TesseraError } from '@tessera-llm/tensor'
import type { EncoderConfig } from './config.ts'
import type { Fields } from './fields.ts'
import { readGgufArchitecture } from './gguf-architecture.ts'
import { refuseTransform, transformFromGguf } from './transforms.ts'

/** What the tensors of a file tell and its metadata may leave out. */
export interface GgufEncoderFacts {
  readonly vocabSize: number
  /** Rows of the table of segments; 0 where there is none. */
  readonly tokenTypes: number
}

/** Reads the keys `bert.*` of a GGUF file. No key says the activation: it is BERT's exact GELU. */
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
