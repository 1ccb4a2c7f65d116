import type { Checkpoint } from '@tessera-llm/formats'
import {
  architectureOf,
  type EncoderConfig,
  type EncoderFamily,
  type Fields,
  familyOf,
  type ModelConfig,
  type ModelFamily,
  readEncoderConfig,
  readModelConfig,
} from '@tessera-llm/runtime'
import { checkpointWeights, type ModelWeights } from '../weights/index.ts'

/**
 * A model to be compressed: its configuration and its weights, not on a device yet. Steps that change weights return a
 * new one.
 */
export type Subject = DecoderSubject | EncoderSubject

/** A decoder to be compressed. `container` is the kind of file that its names and row order follow. */
export interface DecoderSubject {
  readonly kind: 'decoder'
  readonly config: ModelConfig
  readonly container: 'gguf' | 'hugging-face'
  readonly family: ModelFamily
  readonly weights: ModelWeights
}

/** An encoder to be compressed. `container` is the kind of file that its names follow. */
export interface EncoderSubject {
  readonly kind: 'encoder'
  readonly config: EncoderConfig
  readonly container: 'gguf' | 'hugging-face'
  readonly family: EncoderFamily
  readonly weights: ModelWeights
}

/** Options of `subjectOf`. */
export interface SubjectOptions {
  /** Decoder families that are supported. */
  readonly families: readonly ModelFamily[]
  /** Encoder families that are supported. Default: none. */
  readonly encoderFamilies?: readonly EncoderFamily[] | undefined
  /** The parsed `config.json` of a safetensors checkpoint. */
  readonly config?: Fields | undefined
}

/** @throws TesseraError `unsupported` for an architecture that no family builds, `invalid-file` */
export function subjectOf(checkpoint: Checkpoint, { families, encoderFamilies = [], config }: SubjectOptions): Subject {
  const architecture = architectureOf(checkpoint, config)
  const weights = checkpointWeights(checkpoint)
  const encoderFamily = encoderFamilies.find(({ architectures }) => architectures.includes(architecture))
  const container = checkpoint.container === 'gguf' ? 'gguf' : 'hugging-face'
  if (encoderFamily)
    return { kind: 'encoder', family: encoderFamily, config: readEncoderConfig(checkpoint, config), container, weights }
  return {
    kind: 'decoder',
    family: familyOf(architecture, families),
    config: readModelConfig(checkpoint, config),
    container,
    weights,
  }
}
