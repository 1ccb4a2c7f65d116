import type { Checkpoint } from '@tessera-llm/formats'
import { architectureOf, type Fields, familyOf, type ModelConfig, type ModelFamily, readModelConfig } from '@tessera-llm/runtime'
import { checkpointWeights, type ModelWeights } from '../weights/index.ts'

/** A model that is being worked on: what it is and its weights, not yet on a device. Steps that change weights give a new one. */
export interface Subject {
  readonly config: ModelConfig
  readonly container: 'gguf' | 'hugging-face'
  readonly family: ModelFamily
  readonly weights: ModelWeights
}

export interface SubjectOptions {
  readonly families: readonly ModelFamily[]
  /** The parsed `config.json` of a safetensors checkpoint. */
  readonly config?: Fields | undefined
}

/** @throws TesseraError `unsupported` for an architecture that no family builds, `invalid-file` */
export function subjectOf(checkpoint: Checkpoint, { families, config }: SubjectOptions): Subject {
  return {
    family: familyOf(architectureOf(checkpoint, config), families),
    config: readModelConfig(checkpoint, config),
    container: checkpoint.container === 'gguf' ? 'gguf' : 'hugging-face',
    weights: checkpointWeights(checkpoint),
  }
}
