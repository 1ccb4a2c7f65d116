import type { ActivationKind } from '@tessera-llm/kernels'
import { TesseraError } from '@tessera-llm/tensor'
import type { ModelConfig, RopeConfig, RopeScaling } from './config.ts'
import type { FieldReader, Fields } from './fields.ts'
import { readGgufArchitecture } from './gguf-architecture.ts'
import { transformFromGguf } from './transforms.ts'

/** Facts from the tensors of a file, which its metadata may omit. */
export interface GgufFacts {
  readonly vocabSize: number
  readonly tiedHead: boolean
}

/** Properties of an architecture that llama.cpp hard-codes and no key states. */
interface Traits {
  readonly activation: ActivationKind
  /** Undefined for learned positions. */
  readonly ropeStyle: RopeConfig['style'] | undefined
  /** Fields that only this architecture has. */
  readonly own?: (fields: FieldReader, common: ModelConfig) => Partial<ModelConfig>
}

const llama: Traits = { activation: 'silu', ropeStyle: 'gptj' }

const traits: Readonly<Record<string, Traits>> = {
  llama,
  qwen2: { activation: 'silu', ropeStyle: 'neox' },
  qwen3: { activation: 'silu', ropeStyle: 'neox' },
  phi3: { activation: 'silu', ropeStyle: 'neox', own: ownPhi3 },
  stablelm: { activation: 'silu', ropeStyle: 'neox', own: ownStableLm },
  olmo2: { activation: 'silu', ropeStyle: 'neox' },
  granite: { activation: 'silu', ropeStyle: 'gptj', own: ownGranite },
  gpt2: { activation: 'gelu-tanh', ropeStyle: undefined },
  gemma: {
    activation: 'gelu-tanh',
    ropeStyle: 'neox',
    own: (_, { hiddenSize }) => ({ embeddingScale: Math.sqrt(hiddenSize) }),
  },
  gemma2: { activation: 'gelu-tanh', ropeStyle: 'neox', own: ownGemma2 },
  gemma3: { activation: 'gelu-tanh', ropeStyle: 'neox', own: ownGemma3 },
}

/** Reads the keys `<architecture>.*` of a GGUF file (ggml's GGUF specification, 2023–2026). */
export function configFromGguf(metadata: Fields, facts: GgufFacts): ModelConfig {
  const { architecture, fields, sizes } = readGgufArchitecture(metadata)
  // A family of another package may support an architecture that is not listed here.
  const known = traits[architecture] ?? llama
  const rope: RopeConfig | undefined = known.ropeStyle && {
    theta: fields.number('rope.freq_base', 10000),
    rotaryDim: fields.integer('rope.dimension_count', sizes.headDim),
    style: known.ropeStyle,
    scaling: ggufScaling(fields),
  }
  const downHadamard = transformFromGguf(metadata, sizes)
  const common: ModelConfig = {
    architecture,
    ...sizes,
    vocabSize: facts.vocabSize,
    normEps: fields.number(['attention.layer_norm_rms_epsilon', 'attention.layer_norm_epsilon']),
    activation: known.activation,
    ropes: Array.from({ length: sizes.numLayers }, () => rope),
    tiedHead: facts.tiedHead,
    ...(downHadamard === undefined ? {} : { downHadamard }),
  }
  return { ...common, ...known.own?.(fields, common) }
}

/** A window, if set, applies to all layers. The factors of LongRoPE are tensors of the file. */
function ownPhi3(fields: FieldReader, { ropes, contextLength }: ModelConfig): Partial<ModelConfig> {
  const window = fields.integer('attention.sliding_window', 0)
  const scaling: RopeScaling | undefined = fields.has('rope.scaling.attn_factor')
    ? {
        type: 'longrope',
        shortFactors: [],
        longFactors: [],
        originalMaxPositions: fields.integer('rope.scaling.original_context_length', contextLength),
        attentionFactor: fields.number('rope.scaling.attn_factor'),
      }
    : undefined
  return {
    windows: window === 0 ? undefined : ropes.map(() => window),
    ropes: ropes.map((rope) => rope && { ...rope, scaling: scaling ?? rope.scaling }),
  }
}

function ownStableLm(fields: FieldReader): Partial<ModelConfig> {
  if (fields.boolean('use_parallel_residual', false))
    throw new TesseraError(
      'unsupported',
      'GGUF metadata: StableLM with parallel blocks (the 12B model) is not supported; use another size',
    )
  return {}
}

function ownGranite(fields: FieldReader): Partial<ModelConfig> {
  return {
    embeddingScale: fields.number('embedding_scale', 1),
    attentionScale: fields.has('attention.scale') ? fields.number('attention.scale') : undefined,
    residualScale: fields.number('residual_scale', 1),
    logitScale: 1 / fields.number('logit_scale', 1),
  }
}

/** Layers 0, 2, 4, … have a window. */
function ownGemma2(
  fields: FieldReader,
  { ropes, hiddenSize, headDim, numHeads, numLayers }: ModelConfig,
): Partial<ModelConfig> {
  const window = fields.integer('attention.sliding_window')
  return {
    windows: ropes.map((_, index) => (index % 2 === 0 ? window : undefined)),
    embeddingScale: Math.sqrt(hiddenSize),
    attentionSoftcap: fields.number('attn_logit_softcapping', 50),
    logitSoftcap: fields.number('final_logit_softcapping', 30),
    // Only the 27B model, recognised by its 46 layers, scales by hidden size / heads instead of the head size.
    attentionScale: 1 / Math.sqrt(numLayers === 46 ? hiddenSize / numHeads : headDim),
  }
}

/**
 * Every sixth layer is global. The others have a window and a rope base of 10000 without scaling, which no key states.
 */
function ownGemma3(
  fields: FieldReader,
  { ropes, hiddenSize, headDim, numHeads, numLayers }: ModelConfig,
): Partial<ModelConfig> {
  const window = fields.integer('attention.sliding_window')
  const isLocal = (index: number): boolean => (index + 1) % 6 !== 0
  return {
    ropes: ropes.map((rope, index) =>
      rope && isLocal(index) ? { ...rope, theta: 10000, scaling: { type: 'none' } } : rope,
    ),
    windows: ropes.map((_, index) => (isLocal(index) ? window : undefined)),
    embeddingScale: Math.sqrt(hiddenSize),
    // Only the 27B model, recognised by its 62 layers, scales by hidden size / heads instead of the head size.
    attentionScale: 1 / Math.sqrt(numLayers === 62 ? hiddenSize / numHeads : headDim),
  }
}

function ggufScaling(fields: FieldReader): RopeScaling {
  const type = fields.string('rope.scaling.type', 'none')
  switch (type) {
    case 'none':
      return { type: 'none' }
    case 'linear':
      return { type: 'linear', factor: fields.number('rope.scaling.factor') }
    case 'yarn':
      return {
        type: 'yarn',
        factor: fields.number('rope.scaling.factor'),
        originalMaxPositions: fields.integer('rope.scaling.original_context_length'),
        betaFast: fields.number('rope.scaling.yarn_beta_fast', 32),
        betaSlow: fields.number('rope.scaling.yarn_beta_slow', 1),
      }
    default:
      throw new TesseraError(
        'unsupported',
        `GGUF metadata: rope.scaling.type is "${type}"; supported are none, linear and yarn`,
      )
  }
}
