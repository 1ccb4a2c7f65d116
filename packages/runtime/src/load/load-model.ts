import type { Checkpoint } from '@tessera-llm/formats'
import { TesseraError } from '@tessera-llm/tensor'
import {
  canonicalArchitecture,
  configFromGguf,
  configFromHuggingFace,
  type Fields,
  type ModelConfig,
  readFields,
} from '../config/index.ts'
import type { LanguageModel, ModelFamily } from '../family/index.ts'
import { createWeightSource, type WeightLoadOptions } from './weights.ts'

/** Options of `loadModel`. */
export interface LoadModelOptions extends WeightLoadOptions {
  /** Supported architectures: `[llamaFamily]`. */
  readonly families: readonly ModelFamily[]
  /** The parsed `config.json` of a safetensors checkpoint. */
  readonly config?: Fields | undefined
  /**
   * Longest context in tokens that will be used, for which tables of positions are made. Default: the model's training
   * context.
   */
  readonly contextLength?: number | undefined
}

/** Builds the model of a checkpoint on `options.device`. After an error nothing stays allocated. */
export async function loadModel(checkpoint: Checkpoint, options: LoadModelOptions): Promise<LanguageModel> {
  // The family is chosen before the configuration is read: another architecture's need not have the fields that this
  // runtime reads.
  const family = familyOf(architectureOf(checkpoint, options.config), options.families)
  const config = limited(readModelConfig(checkpoint, options.config), options.contextLength)
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

function limited(config: ModelConfig, contextLength = config.contextLength): ModelConfig {
  if (!Number.isSafeInteger(contextLength) || contextLength < 1)
    throw new TesseraError('invalid-option', `load: contextLength must be a positive integer, not ${contextLength}`)
  return { ...config, contextLength: Math.min(contextLength, config.contextLength) }
}

/** Reads the configuration of a model without loading a weight. */
export function readModelConfig(checkpoint: Checkpoint, config?: Fields): ModelConfig {
  if (checkpoint.container === 'gguf') {
    const embedding = checkpoint.tensors.get('token_embd.weight')
    if (!embedding)
      throw new TesseraError('invalid-file', 'load: the GGUF file has no token_embd.weight; is it a language model?')
    return configFromGguf(checkpoint.metadata as Fields, {
      vocabSize: embedding.shape[0] ?? 0,
      tiedHead: !checkpoint.tensors.has('output.weight'),
    })
  }
  return configFromHuggingFace(requireConfig(config))
}

/** The architecture that the checkpoint names: `llama`. */
export function architectureOf(checkpoint: Checkpoint, config?: Fields): string {
  if (checkpoint.container === 'gguf')
    return readFields(checkpoint.metadata as Fields, 'GGUF metadata').string('general.architecture')
  return canonicalArchitecture(readFields(requireConfig(config), 'config.json').string('model_type'))
}

/**
 * The family that builds `architecture`.
 *
 * @throws TesseraError `unsupported` with a list of the supported architectures
 */
export function familyOf<Family extends { readonly architectures: readonly string[] }>(
  architecture: string,
  families: readonly Family[],
): Family {
  const family = families.find((candidate) => candidate.architectures.includes(architecture))
  if (family) return family
  const known = families.flatMap((candidate) => candidate.architectures).join(', ')
  throw new TesseraError(
    'unsupported',
    `load: the architecture "${architecture}" is not supported; this runtime was given ${known || 'no model family'}`,
    {
      details: { architecture },
    },
  )
}

/** The `config.json` that a safetensors checkpoint needs; throws `invalid-option` without one. */
export function requireConfig(config: Fields | undefined): Fields {
  if (!config)
    throw new TesseraError('invalid-option', 'load: a safetensors checkpoint needs its config.json (options.config)')
  return config
}
